import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Preprocessing } from '../../../preload/contract';
import { preprocess } from '../../../main/core/preprocess/preprocess';
import { presetsFor } from '../../../main/core/preprocess/presets';
import { decodePicture } from '../../../main/engine/pictures/decode';
import { apart, everything, makeFolder, shared } from './support';

/** Pictures of all kinds, made and read by Pillow, and what torchvision and a letterbox make of them, in Python's own arithmetic. */
const script = `
import glob, json, os, sys
import numpy as np
from PIL import Image, ImageOps
folder, cases = sys.argv[1], json.load(open(sys.argv[2]))
y, x = np.mgrid[0:40, 0:60]
im = Image.fromarray(np.stack([x * 4, y * 6, (x + y) * 2], -1).clip(0, 255).astype(np.uint8))
p = lambda name: os.path.join(folder, name)
for name in ['a.png', 'a.jpg', 'a.webp', 'a.tif', 'a.gif', 'a.bmp']: im.save(p(name))
im.save(p('progressive.jpg'), progressive=True, quality=60)
im.save(p('lzw.tif'), compression='tiff_lzw')
im.convert('L').save(p('grey.jpg')); im.convert('L').save(p('grey.bmp')); im.convert('1').save(p('one.png')); im.convert('1').save(p('one.bmp'))
im.convert('P').save(p('palette.png')); im.convert('P').save(p('palette.bmp'))
im.convert('CMYK').save(p('cmyk.jpg'), quality=95); im.convert('CMYK').save(p('cmyk.tif'))
im.convert('YCbCr').save(p('ycc.tif'), compression='jpeg')
rng = np.random.default_rng(4)
for i, (w, h) in enumerate([(341, 256), (97, 211), (224, 224), (30, 17), (640, 427), (228, 300)]):
    Image.fromarray(rng.integers(0, 256, (h, w, 3), dtype=np.uint8)).save(p(f'noise{i}.png'))
def resize(im, size):  # rows, then columns, whatever this version's order is
    return im.resize((size[0], im.height), Image.BILINEAR).resize(size, Image.BILINEAR)
def crop(im, shorter, size, fill):
    w, h = im.size
    short, long = (w, h) if w <= h else (h, w)
    longer = int(shorter * long / short)
    im = resize(im, (shorter, longer) if w <= h else (longer, shorter))
    pad = [max(0, size - im.width), max(0, size - im.height)]
    canvas = Image.new('RGB', (im.width + pad[0], im.height + pad[1]), fill)
    canvas.paste(im, (pad[0] // 2, pad[1] // 2))
    top, left = int(round((canvas.height - size) / 2.0)), int(round((canvas.width - size) / 2.0))
    return canvas.crop((left, top, left + size, top + size))
def letterbox(im, size, fill):
    scale = min(size / im.width, size / im.height)
    w, h = int(im.width * scale + 0.5), int(im.height * scale + 0.5)
    canvas = Image.new('RGB', (size, size), fill)
    canvas.paste(resize(im, (w, h)), ((size - w) // 2, (size - h) // 2))
    return canvas
out = []
for file in sorted(glob.glob(p('*'))) + cases['files']:
    im = ImageOps.exif_transpose(Image.open(file)).convert('RGB')
    at = os.path.join(cases['out'], str(len(out)))
    open(at + '.rgb', 'wb').write(im.tobytes())
    for i, case in enumerate(cases['cases']):
        fill = tuple(case['background']); size = case['size'][0]
        rule = case['resize']['rule']
        r = crop(im, case['resize']['shorter'], size, fill) if rule == 'crop' else letterbox(im, size, fill) if rule == 'letterbox' else resize(im, (size, size))
        a = np.asarray(r.convert('L'))[:, :, None] if case['channels'] == 'gray' else np.asarray(r)
        if case['channels'] == 'bgr': a = a[:, :, ::-1]
        a = (a.astype(np.float64) * case['scale'] - np.array(case['mean'])) / np.array(case['std'])
        a.transpose(2, 0, 1).astype('<f4').tofile(f'{at}.{i}')
    out.append({'file': file, 'width': im.width, 'height': im.height})
print(json.dumps(out))
`;

const python = process.env['UNPOOL_PYTHON'];
const skip = !python && !everything;
if (skip) console.warn('skipped: UNPOOL_PYTHON names no Python with pillow and numpy');

const cases: Preprocessing[] = [
  ...presetsFor(3, [224, 224]).map(({ preprocessing }) => preprocessing),
  ...presetsFor(1, [28, 28]).map(({ preprocessing }) => preprocessing),
  { ...presetsFor(3, [64, 64])[0]!.preprocessing, resize: { rule: 'letterbox' }, background: [1, 2, 3] },
  { ...presetsFor(3, [64, 64])[0]!.preprocessing, resize: { rule: 'crop', shorter: 41 }, background: [9, 8, 7] },
];

const photos = (): string[] => {
  const root = join(shared, 'photos');
  if (!existsSync(root)) return [];
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) => /\.(jpe?g|png)$/i.test(name));
  return files.sort().filter((_, i) => i % 12 === 0).map((name) => join(root, name)); // prettier-ignore
};
const noPhotos = photos().length === 0;
if (noPhotos) console.warn(`photographs left out: ${shared}/photos is not there (UNPOOL_SHARED names another place)`);

describe.skipIf(skip)('against Pillow', () => {
  let out: string;
  let made: { file: string; width: number; height: number }[];
  let remove: () => Promise<void>;
  beforeAll(async () => {
    const place = await makeFolder();
    remove = place.remove;
    const pictures = join(place.folder, 'pictures');
    out = join(place.folder, 'out');
    await mkdir(pictures);
    await mkdir(out);
    const list = join(place.folder, 'cases.json');
    await writeFile(list, JSON.stringify({ cases, files: photos(), out }));
    made = JSON.parse(execFileSync(python!, ['-c', script, pictures, list], { encoding: 'utf8' })) as typeof made;
    expect(made.length).toBeGreaterThan(20);
    if (everything) expect(noPhotos).toBe(false);
  });
  afterAll(() => remove());

  it('decodes every kind of picture to the same levels', async () => {
    for (const [i, { file, width, height }] of made.entries()) {
      const decoded = await decodePicture(file, [128, 128, 128]);
      expect([decoded.width, decoded.height], file).toEqual([width, height]);
      expect(apart(decoded.rgb, await readFile(join(out, `${i}.rgb`))), file).toBe(0);
    }
  });

  it('gives the network the same numbers, bit for bit', async () => {
    for (const [i, { file }] of made.entries()) {
      const decoded = await decodePicture(file, [128, 128, 128]);
      for (const [k, preprocessing] of cases.entries()) {
        const expected = await readFile(join(out, `${i}.${k}`));
        const tensor = preprocess(decoded, preprocessing);
        expect(Buffer.from(tensor.buffer).equals(expected), `${file}, case ${k}`).toBe(true);
      }
    }
  });
});
