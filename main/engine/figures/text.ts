import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { parse, type Font } from 'opentype.js';

/** Text as outlines, so that a figure looks the same on every machine, whatever fonts it has. */

const require = createRequire(__filename);
const fonts = new Map<string, Font>();

/** The parts that Inter comes in; a character is drawn from the first that has it. */
const scripts = ['latin', 'latin-ext', 'greek', 'cyrillic', 'vietnamese'] as const;

function font(weight: 400 | 600, script: (typeof scripts)[number]): Font {
  const name = `inter-${script}-${weight}-normal.woff`;
  let loaded = fonts.get(name);
  if (!loaded) {
    const bytes = readFileSync(require.resolve(`@fontsource/inter/files/${name}`));
    loaded = parse(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
    fonts.set(name, loaded);
  }
  return loaded;
}

/** An SVG path for one line of text with its baseline at (x, y), shortened with an ellipsis to `width` px. */
export function textPath(
  text: string,
  options: { x: number; y: number; size: number; weight: 400 | 600; width: number; fill: string },
): string {
  const latin = font(options.weight, 'latin');
  const glyphs = [...text].map((character) => {
    const part = scripts.find((script) => font(options.weight, script).charToGlyph(character).index > 0);
    const face = part ? font(options.weight, part) : latin;
    const glyph = face.charToGlyph(character);
    return { glyph, face, advance: ((glyph.advanceWidth ?? 0) / face.unitsPerEm) * options.size };
  });
  const ellipsis = latin.charToGlyph('…');
  const dots = ((ellipsis.advanceWidth ?? 0) / latin.unitsPerEm) * options.size;
  const total = glyphs.reduce((sum, each) => sum + each.advance, 0);
  const paths: string[] = [];
  let x = options.x;
  for (const { glyph, advance } of glyphs) {
    if (total > options.width && x + advance + dots > options.x + options.width) {
      paths.push(ellipsis.getPath(x, options.y, options.size).toPathData(2));
      break;
    }
    paths.push(glyph.getPath(x, options.y, options.size).toPathData(2));
    x += advance;
  }
  return `<path fill="${options.fill}" d="${paths.join('')}"/>`;
}
