import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { UnpoolError } from '../../../main/core/errors';
import { figureData, layoutFigure, reconstructionPixels, type Rectangle } from '../../../main/core/figures/figure';
import { figurePng, readFigureData } from '../../../main/engine/figures/png';
import { textPath } from '../../../main/engine/figures/text';
import { figureOf } from '../../core/figures/support';

const cut = (png: Uint8Array, { x, y, width, height }: Rectangle): Promise<Buffer> =>
  sharp(png).extract({ left: x, top: y, width, height }).removeAlpha().raw().toBuffer();
const colours = (rgba: Uint8Array): Buffer => Buffer.from(rgba.filter((_, i) => i % 4 !== 3));

describe('figure as PNG', () => {
  it.each([1, 4, 9, 16])('%i tiles: at their own size every pixel is the one that was given', async (count) => {
    const figure = figureOf(count, { tile: 48 }, 48);
    const layout = layoutFigure(figure);
    const png = await figurePng(figure);
    expect(await sharp(png).metadata()).toMatchObject({ format: 'png', width: layout.width, height: layout.height });
    const shown = reconstructionPixels(figure);
    for (let i = 0; i < count; i++) {
      expect((await cut(png, layout.reconstructions[i]!)).equals(colours(shown[i]!.rgba))).toBe(true);
      expect((await cut(png, layout.patches[i]!)).equals(colours(figure.tiles[i]!.patch.rgba))).toBe(true);
    }
  });

  it('zero stays mid-grey when a tile is enlarged, and so does the ground beside a field that is not square', async () => {
    const figure = figureOf(1);
    const [tile] = figure.tiles;
    const flat = { channels: 3, height: 8, width: 16, data: new Float32Array(3 * 8 * 16) };
    const wide = { ...figure, tiles: [{ ...tile!, signal: flat }] };
    const pixels = await cut(await figurePng(wide), layoutFigure(wide).reconstructions[0]!);
    expect(pixels.every((value) => value === 128)).toBe(true);
  });

  it('the ground and the gutters are white, and the captions are drawn', async () => {
    const figure = figureOf(9);
    const { heading, caption, reconstructions, width, height } = layoutFigure(figure);
    const png = await figurePng(figure);
    const darkest = async (area: Rectangle) => Math.min(...(await cut(png, area)));
    expect(await darkest({ x: 0, y: 0, width, height: 4 })).toBe(255);
    const [first, second] = reconstructions;
    const gutter = second!.x - first!.x - first!.width;
    expect(await darkest({ x: first!.x + first!.width, y: first!.y, width: gutter, height: 50 })).toBe(255);
    for (const line of [heading, ...caption])
      expect(await darkest({ x: line.x, y: line.y - line.size, width: 80, height: line.size })).toBeLessThan(160);
    expect(caption.at(-1)!.y).toBeLessThan(height);
  });

  it('the same figure gives the same bytes', async () => {
    expect(await figurePng(figureOf(4))).toEqual(await figurePng(figureOf(4)));
  });

  it('carries the data that it was made from', async () => {
    const figure = figureOf(9, { label: 'Zürich 斑马', contrast: 3 });
    expect(readFigureData(await figurePng(figure))).toEqual(JSON.parse(JSON.stringify(figureData(figure))));
  });

  it('another picture, a damaged one or no picture carries none, and says so', async () => {
    const png = await figurePng(figureOf(1));
    const plain = await sharp(png).png().toBuffer();
    const damaged = Uint8Array.from(png);
    damaged.fill(7, png.length - 60, png.length - 20);
    for (const bytes of [plain, damaged, png.subarray(0, png.length / 2), new Uint8Array(0), new Uint8Array(500)])
      expect(() => readFigureData(bytes)).toThrow(UnpoolError);
  });
});

describe('text as outlines', () => {
  const options = { x: 0, y: 20, size: 20, weight: 400, width: 1000, fill: '#000' } as const;

  it('needs no font of the machine: letters of other scripts are drawn, each its own', () => {
    const drawn = ['a', 'ß', 'ő', 'ω', 'ж', 'ạ'].map((letter) => textPath(letter, options));
    expect(new Set(drawn).size).toBe(drawn.length);
    for (const path of drawn) expect(path).toMatch(/d="M[^"]{20}/);
  });

  it('what does not fit ends in an ellipsis within its width', () => {
    const right = (path: string) => Math.max(...[...path.matchAll(/[ML](-?[\d.]+)/g)].map(([, x]) => Number(x)));
    const long = 'convolution'.repeat(20);
    expect(right(textPath(long, options))).toBeGreaterThan(900);
    expect(right(textPath(long, { ...options, width: 100 }))).toBeLessThanOrEqual(100);
    expect(textPath('conv', { ...options, width: 100 })).toBe(textPath('conv', options));
  });
});
