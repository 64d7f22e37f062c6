import type { LabelList } from '../../../preload/contract';
import { parseLabelList, type LabelEntry } from '../../core/preprocess/labels';
import type { Network } from '../../core/program/network';
import { catalogueEntry } from '../catalogue/catalogue';
import { imagenet } from '../finder/imagenet';
import { findLabelFiles, nameOf } from '../pictures/labels';
import type { Model } from '../study/models';

/** A list with its classes. */
export interface FullList extends LabelList {
  entries: readonly LabelEntry[];
}

const named = (entries: readonly LabelEntry[]): string[] => entries.map(nameOf);
const background: LabelEntry = { wnid: null, names: ['background'] };

/**
 * Lists with exactly as many classes as the network's output has units, in the order of trust: in the model, beside it, of
 * the catalogue, ImageNet's where the number is its. A list that is the same as one before it is left out.
 */
export async function labelListsOf(model: Pick<Model, 'path' | 'sha256' | 'network'>): Promise<FullList[]> {
  const { network } = model;
  const units = network.outputUnits;
  if (units === 0) return [];
  const lists: FullList[] = [];
  const add = (
    id: string,
    label: string,
    file: string | null,
    entries: readonly LabelEntry[],
    reason: string,
  ): void => {
    if (entries.length !== units) return;
    const twin = lists.find((list) => named(list.entries).join('\n') === named(entries).join('\n'));
    if (twin) twin.reason += ` The same as ${label}.`;
    else lists.push({ id, label, file, count: units, entries, reason });
  };
  for (const [key, text] of metadataLists(network))
    add('model', `In the model ("${key}")`, null, text, `The model's metadata holds them ("${key}").`);
  for (const { file, entries } of await findLabelFiles(model.path)) {
    const name = file.replace(/^.*[\\/]/, '');
    add(`beside:${name}`, name, file, entries, `"${name}" lies beside the model.`);
  }
  const known = catalogueEntry(model.sha256);
  const order = 'ImageNet-1k, synset order';
  if (known) add('imagenet1k', order, null, imagenet, `Known by its SHA-256: ${known.name}.`);
  add('imagenet1k', order, null, imagenet, 'The network has 1000 classes; this is the usual order. A guess.');
  add(
    'imagenet1001',
    `${order}, after a background class`,
    null,
    [background, ...imagenet],
    'The network has 1001 classes, as TensorFlow’s ImageNet networks. A guess.',
  );
  return lists;
}

function metadataLists({ graph }: Network): [string, LabelEntry[]][] {
  return [...graph.metadata].flatMap(([key, text]): [string, LabelEntry[]][] => {
    if (!/^(names|labels|classes|class_names|id2label)$/i.test(key)) return [];
    // Python's own way of writing a dictionary is common there: {0: 'tench', 1: "hen's egg"}.
    const json = text
      .replace(/(\d+)\s*:/g, '"$1":')
      .replace(/'((?:[^'\\]|\\.)*)'/g, (_, name: string) => JSON.stringify(name));
    const entries = [text, json].map((each) => parseLabelList(each, 'json')).find((list) => list.length > 0);
    return [[key, entries ?? parseLabelList(text.replaceAll(',', '\n'), 'txt')]];
  });
}

/** The names of the list that was chosen, or of the first one. Null: there is none. */
export function chosenLabels(lists: readonly FullList[], id = ''): string[] | null {
  const list = (id && lists.find((each) => each.id === id)) || lists[0];
  return list ? named(list.entries) : null;
}

export const withoutEntries = ({ id, label, file, count, reason }: FullList): LabelList => ({
  id,
  label,
  file,
  count,
  reason,
});
