import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { parse, type Font } from 'opentype.js';
import type { FontFamily, FontWeight, Measure } from '../../core/figures/scene';

/** The fonts of figures, from packages of their own: a figure looks the same on every machine, whatever fonts it has. */

const require = createRequire(__filename);
const parsed = new Map<string, Font>();
const advances = new Map<string, number>();

/** The parts that the fonts come in; a character is drawn from the first that has it. */
const scripts = ['latin', 'latin-ext', 'greek', 'cyrillic', 'vietnamese'] as const;
type Script = (typeof scripts)[number];

const packages: Record<FontFamily, { package: string; name: string }> = {
  sans: { package: '@fontsource/inter', name: 'Inter' },
  serif: { package: '@fontsource/source-serif-4', name: 'Source Serif 4' },
};

export interface Face {
  family: FontFamily;
  weight: FontWeight;
  script: Script;
}

/** As style sheets and documents name it; every part has a name of its own. */
export const faceName = ({ family, script }: Face): string =>
  `${packages[family].name}${script === 'latin' ? '' : ` ${script}`}`;

export function faceFile({ family, weight, script }: Face, kind: 'woff' | 'woff2'): Buffer {
  const from = packages[family].package;
  return readFileSync(
    require.resolve(`${from}/files/${from.slice(from.indexOf('/') + 1)}-${script}-${weight}-normal.${kind}`),
  );
}

function font(face: Face): Font {
  const key = `${face.family} ${face.weight} ${face.script}`;
  let loaded = parsed.get(key);
  if (!loaded) {
    const bytes = faceFile(face, 'woff');
    loaded = parse(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer);
    parsed.set(key, loaded);
  }
  return loaded;
}

function scriptOf(character: string, family: FontFamily, weight: FontWeight): Script {
  return scripts.find((script) => font({ family, weight, script }).charToGlyph(character).index > 0) ?? 'latin';
}

/** em of advance. */
function advanceOf(character: string, family: FontFamily, weight: FontWeight): number {
  const key = `${family} ${weight} ${character}`;
  let advance = advances.get(key);
  if (advance === undefined) {
    const face = font({ family, weight, script: scriptOf(character, family, weight) });
    advance = (face.charToGlyph(character).advanceWidth ?? 0) / face.unitsPerEm;
    advances.set(key, advance);
  }
  return advance;
}

export const measureWith =
  (family: FontFamily): Measure =>
  (text, size, weight) => {
    let width = 0;
    for (const character of text) width += advanceOf(character, family, weight);
    return width * size;
  };

/** A line of text cut into pieces of one face each, with the place of each. */
export function runsOf(
  text: string,
  at: { x: number; size: number; family: FontFamily; weight: FontWeight },
): { face: Face; text: string; x: number }[] {
  const runs: { face: Face; text: string; x: number }[] = [];
  const { family, weight } = at;
  let { x } = at;
  for (const character of text) {
    const script = scriptOf(character, family, weight);
    const last = runs.at(-1);
    if (last && last.face.script === script) last.text += character;
    else runs.push({ face: { family, weight, script }, text: character, x });
    x += advanceOf(character, family, weight) * at.size;
  }
  return runs;
}

/** The outlines of one line of text with its baseline at (x, y), as the data of an SVG path. */
export function outlines(
  text: string,
  at: { x: number; y: number; size: number; family: FontFamily; weight: FontWeight },
): string {
  const { family, weight, y, size } = at;
  const paths: string[] = [];
  let { x } = at;
  for (const character of text) {
    const face = font({ family, weight, script: scriptOf(character, family, weight) });
    paths.push(face.charToGlyph(character).getPath(x, y, size).toPathData(2));
    x += advanceOf(character, family, weight) * size;
  }
  return paths.join('');
}
