import { readdirSync } from 'node:fs';
import path from 'node:path';
import { readModel } from '../../main/core/formats/index';
import type { Graph } from '../../main/core/graph/graph';
import { readPack, type Expected, type Pack, type Segments } from './differential';

/** Reads what keras_families.py wrote: a family of keras.applications in one file, in each format that Keras has. */

export interface Family extends Expected {
  name: string;
  /** What the network makes of the pictures. */
  output: [offset: number, shape: [number, number]];
  /** By format: its files, and which of them names the others. */
  formats: Record<string, { main: string; files: Record<string, Segments> }>;
}

const folder = 'keras-families';

export const families = (): string[] =>
  readdirSync(path.join(import.meta.dirname, folder))
    .map((file) => path.basename(file, '.gz'))
    .sort();

export interface FamilyPack {
  family: Family;
  pack: Pack<Family>;
  formats: string[];
  read(format: string): Promise<Graph>;
  files(format: string): { name: string; data: Uint8Array }[];
}

export function readFamily(name: string): FamilyPack {
  const pack = readPack<Family>(name, folder);
  const [family] = pack.cases as [Family];
  const files = (format: string) =>
    Object.entries(family.formats[format]!.files).map(([file, segments]) => ({
      name: file,
      data: pack.file(segments),
    }));
  return {
    family,
    pack,
    formats: Object.keys(family.formats),
    files,
    read(format) {
      const all = new Map(files(format).map((file) => [file.name, file.data]));
      return readModel(all.get(family.formats[format]!.main)!, { external: (file) => all.get(file)! });
    },
  };
}

/** NASNet rectifies a map several times; TensorFlow's exporters merge these into one rectifier, where signals meet before it acts. */
export const merged = (name: string, format: string): boolean =>
  name === 'nasnet' && ['tfjs-graph', 'onnx', 'tf2onnx'].includes(format);
/**
 * Keras writes ConvNeXt's grouped convolutions as a call that is in no graph, and the statistics of Normalization as inputs
 * without values: those files cannot be run by anything.
 */
export const impossible: Record<string, string[]> = {
  convnext: ['tfjs-graph', 'onnx', 'tf2onnx'],
  efficientnet: ['onnx'],
  efficientnetv2: ['onnx'],
};
