import { readFile } from 'node:fs/promises';
import path from 'node:path';

/** The class names of a network, in the order of its output units, found in a file beside the model. */
export interface Labels {
  file: string;
  names: string[];
}

/** Looks for NAME.labels.txt, labels.txt, NAME.labels.json, labels.json beside the model. Null where there is none. */
export async function findLabels(model: string): Promise<Labels | null> {
  const folder = path.dirname(model);
  const stem = path.basename(model, path.extname(model));
  for (const name of [`${stem}.labels.txt`, `${stem}.labels.json`, 'labels.txt', 'labels.json']) {
    const file = path.join(folder, name);
    const text = await readFile(file, 'utf8').catch(() => null);
    if (text === null) continue;
    const names = parseLabels(text, name.endsWith('.json'));
    if (names.length > 0) return { file, names };
  }
  return null;
}

/** One name a line ("n01440764 tench, Tinca tinca" or "tench"), or a JSON list or dictionary by index. The first synonym is kept. */
export function parseLabels(text: string, json: boolean): string[] {
  if (!json)
    return text
      .split(/\r?\n/)
      .map((line) => line.trim())
      .filter(Boolean)
      .map(shortName);
  let parsed: unknown;
  try {
    parsed = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch {
    return []; // no labels: a file of that name that is something else
  }
  if (Array.isArray(parsed)) return parsed.map((value) => shortName(String(value)));
  if (typeof parsed !== 'object' || parsed === null) return [];
  const entries = Object.entries(parsed).map(([key, value]) => [Number(key), value] as const);
  if (!entries.every(([key]) => Number.isInteger(key) && key >= 0 && key < entries.length)) return [];
  const names: string[] = [];
  for (const [key, value] of entries) names[key] = shortName(String(Array.isArray(value) ? value.at(-1) : value));
  return Array.from(names, (name) => name ?? ''); // "1" and "01" are one index
}

const shortName = (line: string): string =>
  line
    .replace(/^n\d{8}\s+/, '')
    .split(',')[0]!
    .trim();
