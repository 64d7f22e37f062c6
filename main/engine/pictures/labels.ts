import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { parseLabelList, type LabelEntry, type LabelFormat } from '../../core/preprocess/labels';
import { shownName } from '../finder/imagenet';

/** The class names of a network, in the order of its output units, found in a file beside the model. */
export interface Labels {
  file: string;
  names: string[];
}

/** All lists beside the model: NAME.labels.txt, .json or .csv first, then labels.*, classes.txt and Hugging Face's config.json. */
export async function findLabelFiles(model: string): Promise<{ file: string; entries: LabelEntry[] }[]> {
  const folder = path.dirname(model);
  const stem = path.basename(model, path.extname(model));
  const names = [`${stem}.labels`, 'labels'].flatMap((name) => ['txt', 'json', 'csv'].map((end) => `${name}.${end}`));
  const found = await Promise.all(
    [...names, 'classes.txt', 'synset.txt', 'config.json'].map(async (name) => {
      const file = path.join(folder, name);
      const text = await readFile(file, 'utf8').catch(() => null); // most are not there
      if (text === null) return [];
      const entries = parseLabelList(text, path.extname(name).slice(1) as LabelFormat);
      return entries.length > 0 ? [{ file, entries }] : [];
    }),
  );
  return found.flat();
}

/** The first of them, as names. Null where there is none. */
export async function findLabels(model: string): Promise<Labels | null> {
  const [first] = await findLabelFiles(model);
  return first ? { file: first.file, names: first.entries.map(nameOf) } : null;
}

/** One name a line ("n01440764 tench, Tinca tinca" or "tench"), or a JSON list or dictionary by index. The first synonym is kept. */
export const parseLabels = (text: string, json: boolean): string[] =>
  parseLabelList(text, json ? 'json' : 'txt').map(nameOf);

/** The name that is shown: the first synonym; that of the WordNet id where the list has ids only. */
export const nameOf = ({ names }: LabelEntry): string => shownName(names[0] ?? '');
