import type { FoundPreset, Preprocessing, Preset } from '../../../preload/contract';
import type { Graph } from '../graph/graph';
import { readConfig, readMetadata, type Told } from './config';
import { insideScaling, rangeOutside } from './inside';
import { encodeFloats } from './base64';
import { channelMeans, pixelMeans, type NpyArray } from './npy';
import { presetsFor, proposePreset } from './presets';

/** A file beside the model that tells of its preprocessing. */
export type BesideFile = { name: string; text: string } | { name: string; sha256: string; mean: NpyArray };

export interface Known {
  name: string;
  input: { name: string; channels: number; size: readonly [number, number] };
  graph: Graph;
  beside: readonly BesideFile[];
  /** The catalogue's entry of the same SHA-256. */
  catalogue: { name: string; numbers: Told['numbers']; shorter: number; size: readonly [number, number] } | null;
}

export interface Sources {
  presets: Preset[];
  /** In the order of trust; the first is proposed. */
  found: FoundPreset[];
  /** [height, width] that the first source names; null where it names none. */
  size: [number, number] | null;
}

const same = (a: unknown, b: unknown): boolean => JSON.stringify(sorted(a)) === JSON.stringify(sorted(b));
const sorted = (value: unknown): unknown =>
  Array.isArray(value)
    ? value.map(sorted)
    : typeof value === 'object' && value !== null
      ? Object.fromEntries(
          Object.entries(value)
            .sort(([a], [b]) => (a < b ? -1 : 1))
            .map(([k, v]) => [k, sorted(v)]),
        )
      : value;

/**
 * All that is known of a model's preprocessing: what the model says itself, files beside it, the catalogue, the habit of its
 * framework, in this order. Each becomes one of the presets, with the reason in words.
 */
export function findSources({ name, input, graph, beside, catalogue }: Known): Sources {
  const { channels } = input;
  const presets = presetsFor(channels, input.size);
  const found: FoundPreset[] = [];
  let size: [number, number] | null = null;

  const add = (source: FoundPreset['source'], label: string, preprocessing: Preprocessing, reason: string): void => {
    const twin = presets.find((preset) => same(preset.preprocessing, preprocessing));
    const id = twin?.id ?? freeId(presets, source);
    if (!twin) presets.push({ id, label, note: `${reason}.`, preprocessing });
    found.push({ preset: id, source, reason: `${reason}.` });
  };
  const told = (source: FoundPreset['source'], label: string, what: Told, where: string): void => {
    if (found.length === 0) size = what.size;
    const other = what.size && (what.size[0] !== input.size[0] || what.size[1] !== input.size[1]);
    const notes = [...(other ? [`it was made for ${what.size!.join(' x ')} px`] : []), ...what.notes];
    add(source, label, made(what, input.size), [where, ...notes].join('; '));
  };

  const metadata = readMetadata(graph.metadata, channels);
  if (metadata) told('model', 'From the model', metadata, `The model's metadata says so ("${metadata.key}")`);
  const inside = insideScaling(graph, input.name);
  const range = inside && rangeOutside(inside);
  if (inside && range) {
    const plain = presets.find(({ id }) => id.endsWith(range) && id !== 'torchvision');
    if (plain)
      add(
        'model',
        plain.label,
        plain.preprocessing,
        `The model scales its input itself (${inside.nodes.join(', ')}), so that it takes ${range === 'bytes' ? '0 to 255' : '0 to 1'}`,
      );
  }
  for (const file of beside) {
    if ('text' in file) {
      const config = readConfig(file.text, channels);
      if (config) told('beside', `From ${file.name}`, config, `"${file.name}" beside the model says so`);
      continue;
    }
    const mean = channelMeans(file.mean, channels);
    const preset = presets.find(({ id }) => id === (channels === 1 ? 'gray-bytes' : 'caffe'));
    const pixels = pixelMeans(file.mean, channels, input.size);
    if (pixels && preset)
      add(
        'beside',
        `Caffe, ${file.name} for each pixel`,
        {
          ...preset.preprocessing,
          mean: Array<number>(channels).fill(0),
          meanImage: { file: file.name, sha256: file.sha256, data: encodeFloats(pixels) },
        },
        `"${file.name}" beside the model holds the mean of each pixel, in the order of the network's channels`,
      );
    if (mean && preset)
      add(
        'beside',
        `Caffe, mean of ${file.name}`,
        { ...preset.preprocessing, mean: mean.map((value) => Number(value.toPrecision(7))) },
        `"${file.name}" beside the model holds its mean; the mean of each channel is taken${file.mean.shape.length > 1 ? ', not that of each pixel' : ''}`,
      );
  }
  if (catalogue) {
    const { numbers, shorter } = catalogue;
    told(
      'catalogue',
      catalogue.name,
      {
        numbers,
        size: [...catalogue.size] as [number, number],
        resize: ([h, w]) => ({
          rule: 'crop',
          shorter: Math.round((shorter * Math.min(h, w)) / Math.min(...catalogue.size)),
        }),
        notes: [],
      },
      `Known by its SHA-256: ${catalogue.name}`,
    );
  }
  const habit = proposePreset({ name, producer: graph.producer, channels });
  found.push({ source: 'habit', ...habit });
  return { presets, found, size };
}

function made(told: Told, size: readonly [number, number]): Preprocessing {
  const { numbers } = told;
  return {
    ...numbers,
    ...(numbers.mean.length === 4 && { channels: 'rgba' as const }),
    size: [...size] as [number, number],
    resize: told.resize(size),
    ...(told.filter && { filter: told.filter }),
    background: [128, 128, 128],
  };
}

function freeId(presets: readonly Preset[], base: string): string {
  for (let i = 1; ; i++) {
    const id = i === 1 ? base : `${base}-${i}`;
    if (!presets.some((preset) => preset.id === id)) return id;
  }
}
