import type { EvidenceProgress, EvidenceRow, EvidenceTable, Preset } from '../../../preload/contract';
import { throwIfCancelled, UnpoolError } from '../../core/errors';
import { Builder } from '../../core/graph/builder';
import { float32, toFloat32 } from '../../core/graph/tensor';
import { alike, compareScores, cropsFirst, Evidence, probabilities, spread } from '../../core/preprocess/evidence';
import { matchFolders } from '../../core/preprocess/labels';
import { preprocess } from '../../core/preprocess/preprocess';
import { findSources, type Sources } from '../../core/preprocess/sources';
import type { Runtime } from '../../core/runtime/runtime';
import { catalogueEntry } from '../catalogue/catalogue';
import { labelListsOf, withoutEntries } from '../handlers/labels';
import type { ComputeQueue } from '../jobs/queue';
import { pictureFile, type Dataset } from '../pictures/dataset';
import { decodePicture } from '../pictures/decode';
import { nameOf } from '../pictures/labels';
import type { Model } from '../study/models';
import { filesBeside } from './beside';
import { imagenet } from './imagenet';

/** What is known of a model's preprocessing from the model, the files beside it, the catalogue and its framework. */
export async function sourcesOf(model: Model): Promise<Sources & { notes: string[] }> {
  const { files, notes } = await filesBeside(model.path);
  const entry = catalogueEntry(model.sha256);
  const { shorter, ...numbers } = entry?.preprocessing ?? { shorter: 0 };
  const sources = findSources({
    name: model.name,
    input: model.network.input,
    graph: model.network.graph,
    beside: files,
    catalogue: entry
      ? { name: entry.name, size: entry.size, shorter, numbers: numbers as Omit<typeof entry.preprocessing, 'shorter'> }
      : null,
  });
  return { ...sources, notes };
}

export interface FinderOptions {
  model: Model;
  dataset: Dataset;
  sample: number;
  runtime: Runtime;
  queue: ComputeQueue;
  signal: AbortSignal;
  progress(state: EvidenceProgress): void;
}

/**
 * Tries every preset, read with every list of labels, on a sample of the pictures: how often the network's answer is the
 * folder that the picture lies in. Throws UnpoolError where the network does not answer with classes.
 */
export async function findEvidence(options: FinderOptions): Promise<EvidenceTable> {
  const { model, dataset, runtime, queue, signal } = options;
  const { network } = model;
  const output = network.graph.outputs.find(({ name }) => name === network.classes);
  if (!output)
    throw new UnpoolError(
      'no-classes',
      'The network does not answer with classes, so that answers cannot be compared.',
      {
        hint: 'Choose the preprocessing that the network was trained with.',
        place: { file: model.path },
      },
    );
  const { presets } = await sourcesOf(model);
  const lists = await labelListsOf(model);
  const matches = lists.map(({ entries }) => matchFolders(dataset.classes, entries, imagenet));
  const readings: { labels: string | null; of: (folder: number) => readonly number[] }[] = lists.length
    ? lists.map(({ id }, l) => ({ labels: id, of: (folder) => matches[l]![folder] ?? [] }))
    : [{ labels: null, of: () => [] }];
  const useful = dataset.classes.map((_, folder) => matches.some((match) => match[folder]!.length > 0));
  const pictures = chosen(dataset, useful, options.sample);

  const program = await queue.run(
    'interactive',
    () => runtime.compile(new Builder(network.graph).build([{ ...output, shape: null }])),
    signal,
  );
  const tallies = presets.map(() => readings.map(() => new Evidence()));
  let broken = 0;
  try {
    for (const [done, picture] of pictures.entries()) {
      throwIfCancelled(signal);
      options.progress({ done, total: pictures.length });
      const decoded = await decodePicture(pictureFile(dataset, picture), presets[0]!.preprocessing.background).catch(
        (error: unknown) => {
          if (error instanceof UnpoolError) return null;
          throw error;
        },
      );
      if (!decoded) {
        broken += 1;
        continue;
      }
      for (const [p, { preprocessing }] of presets.entries()) {
        const input = float32([1, network.input.channels, ...network.input.size], preprocess(decoded, preprocessing));
        const results = await queue.run('grid', () => program.run({ [network.input.name]: input }), signal);
        const answer = probabilities(toFloat32(results[output.name]!));
        readings.forEach(({ of }, l) => tallies[p]![l]!.add(answer, of(dataset.classOf[picture]!)));
      }
    }
    options.progress({ done: pictures.length, total: pictures.length });
  } finally {
    await queue.run('interactive', () => program.dispose());
  }
  if (broken === pictures.length)
    throw new UnpoolError('no-pictures', 'None of the pictures that were tried can be read.', {
      place: { file: dataset.root },
    });

  const preprocessingOf = new Map(presets.map(({ id, preprocessing }) => [id, preprocessing]));
  const scored = presets
    .flatMap((preset, p) =>
      readings.map(({ labels }, l): EvidenceRow => ({ preset: preset.id, labels, ...tallies[p]![l]!.score() })),
    )
    .sort(compareScores);
  const numbersOf = (row: EvidenceRow): string => {
    const { channels, scale, mean, std, meanImage } = preprocessingOf.get(row.preset)!;
    return JSON.stringify([row.labels, channels, scale, mean, std, meanImage?.sha256]);
  };
  const rows = cropsFirst(scored, numbersOf, (row) => preprocessingOf.get(row.preset)!.resize.rule === 'crop');
  const matched = dataset.classes.flatMap((folder, f) => {
    const l = matches.findIndex((match) => match[f]!.length > 0);
    return l < 0 ? [] : [{ folder, class: nameOf(lists[l]!.entries[matches[l]![f]![0]!]!) }];
  });
  return {
    rows,
    matched,
    unmatched: dataset.classes.filter((_, f) => !useful[f]),
    note: noteOf(rows, presets, numbersOf, matched.length, broken),
    presets,
    labelLists: lists.map(withoutEntries),
  };
}

/** Pictures of folders that name a class, where there are any; else any. */
function chosen(dataset: Dataset, useful: readonly boolean[], sample: number): number[] {
  const all = Array.from(dataset.files, (_, i) => i);
  const labelled = all.filter((picture) => useful[dataset.classOf[picture]!]);
  const from = labelled.length > 0 ? labelled : all;
  return spread(
    from.map((picture) => dataset.classOf[picture]!),
    sample,
  ).map((i) => from[i]!);
}

function noteOf(
  rows: readonly EvidenceRow[],
  presets: readonly Preset[],
  numbersOf: (row: EvidenceRow) => string,
  matched: number,
  broken: number,
): string {
  const left = broken > 0 ? ` ${broken} could not be read.` : '';
  const [first, ...others] = rows;
  if (matched === 0)
    return `No folder names a class of the network: only how decided its answers are can be compared. That is weak evidence: a wrong preprocessing can make a network sure of wrong answers.${left}`;
  if ((first?.top1 ?? 0) < 0.1)
    return `None agrees well with the folders: the right preprocessing or list of labels may not be among these.${left}`;
  const name = (row: EvidenceRow): string => `“${presets.find(({ id }) => id === row.preset)?.label ?? row.preset}”`;
  const close = others.filter((row) => alike(row, first!));
  const rivals = close.filter((row) => numbersOf(row) !== numbersOf(first!));
  if (rivals.length > 0)
    return `${[first!, ...rivals].map(name).join(' and ')} are too close to tell apart on this sample: take more pictures, or what the model’s authors say.${left}`;
  const resized =
    close.length > 0
      ? ` ${[first!, ...close].map(name).join(' and ')} feed the same numbers and differ in how pictures are resized, which agreement can hardly tell: crops, the habit of classifiers, come first.`
      : '';
  return `Top-1 is the share of pictures whose folder is the network’s first answer.${resized}${left}`;
}
