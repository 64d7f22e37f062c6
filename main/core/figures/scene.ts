/** A page as simple shapes. Lengths in pt (1/72 inch) from the top left. What a renderer draws, and nothing else. */
export interface Scene {
  width: number;
  height: number;
  ground: string;
  family: FontFamily;
  items: SceneItem[];
}

export type FontFamily = 'sans' | 'serif';
export type FontWeight = 400 | 600;

export interface Rectangle {
  x: number;
  y: number;
  width: number;
  height: number;
}

export type SceneItem =
  | ({ kind: 'rect'; fill: string } & Rectangle)
  /** `picture`: its name among the figure's pictures. */
  | ({ kind: 'picture'; picture: string } & Rectangle)
  | { kind: 'text'; x: number; y: number; text: string; size: number; weight: FontWeight; fill: string };

/** Width in pt of a line of text. */
export type Measure = (text: string, size: number, weight: FontWeight) => number;

/** Enlarged beyond this, pixels stay the squares that they are, as in the window. */
export const squaresFrom = 4;

/** The text, shortened with an ellipsis to fit. */
export function fitText(text: string, width: number, measure: (text: string) => number): string {
  if (measure(text) <= width) return text;
  const characters = [...text];
  while (characters.length > 0) {
    characters.pop();
    const shorter = `${characters.join('').trimEnd()}…`;
    if (measure(shorter) <= width) return shorter;
  }
  return '';
}

/** The text in lines, broken at spaces; a word that is too long is broken where it must be. */
export function breakText(text: string, width: number, measure: (text: string) => number): string[] {
  const lines: string[] = [];
  for (const paragraph of text.split('\n')) {
    let line = '';
    for (let word of paragraph.split(/\s+/).filter(Boolean)) {
      if (measure(line ? `${line} ${word}` : word) <= width) {
        line = line ? `${line} ${word}` : word;
        continue;
      }
      if (line) lines.push(line);
      while (measure(word) > width && [...word].length > 1) {
        const characters = [...word];
        let count = characters.length - 1;
        while (count > 1 && measure(characters.slice(0, count).join('')) > width) count--;
        lines.push(characters.slice(0, count).join(''));
        word = characters.slice(count).join('');
      }
      line = word;
    }
    lines.push(line);
  }
  return lines;
}
