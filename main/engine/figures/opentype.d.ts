/** The part of opentype.js that is used; the package brings no types. */
declare module 'opentype.js' {
  interface Glyph {
    index: number;
    advanceWidth?: number;
    getPath(x: number, y: number, size: number): { toPathData(decimals: number): string };
  }
  interface Font {
    unitsPerEm: number;
    charToGlyph(character: string): Glyph;
  }
  export function parse(buffer: ArrayBuffer): Font;
  export type { Font };
}
