import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import sharp from 'sharp';
import { classNames, readEmoji, testStyle, type Style } from './data.ts';
import { drawScene, listDrawings, randomScene, rasterise, type Drawing, type Raster } from './draw.ts';
import { Random } from './random.ts';

/** Draws the pictures of the demo study: the same kind of scenes as in training, larger, with emoji that were held out. */

const seed = 1311;
const perClass = 10;
/** Those whose licences (Apache-2.0, MIT) ask for no more than a notice; one of them was never trained on. */
const shippedStyles: readonly Style[] = ['noto', 'fluent-emoji', 'fluent-emoji-flat', testStyle];
const side = 256;
const out = path.resolve(import.meta.dirname, '../demo-study/pictures');

const emoji = readEmoji(2013);
rmSync(out, { recursive: true, force: true });
let bytes = 0;
for (const [classIndex, className] of classNames.entries()) {
  const random = new Random(seed, classIndex);
  const folder = path.join(out, className);
  mkdirSync(folder, { recursive: true });
  const members = random.shuffled(listDrawings(emoji.filter((each) => each.classIndex === classIndex), shippedStyles));
  for (let i = 0; i < Math.min(perClass, members.length); i++) {
    const scene = randomScene(random, classIndex, [members[i], ...random.shuffled(members).slice(0, 2)]);
    scene.placements[0].drawing = members[i];
    const rasters = new Map<Drawing, Raster>();
    for (const { drawing } of scene.placements)
      rasters.set(drawing, await rasterise(drawing.emoji.drawings.get(drawing.style)!, side));
    const pixels = new Float32Array(side * side * 3);
    drawScene(scene, side, (drawing) => rasters.get(drawing)!, pixels);
    const rgb = Uint8Array.from(pixels, (value) => Math.round(value * 255));
    const file = await sharp(rgb, { raw: { width: side, height: side, channels: 3 } }).webp({ quality: 86, smartSubsample: true }).toBuffer();
    bytes += file.length;
    writeFileSync(path.join(folder, `${members[i].emoji.name}-${members[i].style}.webp`), file);
  }
}
console.log(`${(bytes / 2 ** 20).toFixed(1)} MiB`);
