import text from '../../../assets/labels/imagenet1k.txt?raw';
import { parseLabelList, type LabelEntry } from '../../core/preprocess/labels';

/** ImageNet-1k in synset order: WordNet id and names of each class. */
export const imagenet: readonly LabelEntry[] = parseLabelList(text, 'txt');

const byId = new Map(imagenet.map((entry) => [entry.wnid, entry]));
const twice = new Set(imagenet.map(({ names }) => names[0]!).filter((name, i, all) => all.indexOf(name) !== i));

/** "n01440764" as "tench"; with its id where two classes have the same name. Anything else stays. */
export function shownName(name: string): string {
  const known = byId.get(name)?.names[0];
  if (known === undefined) return name;
  return twice.has(known) ? `${known} (${name})` : known;
}
