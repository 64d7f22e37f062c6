import type { Layer } from '../../core/program/network';
import { sampledPictures, type LayerSample } from '../../core/reduce/sample';
import { ArrowTable, fixedListColumn, int32Column, writeArrow } from './arrow';
import type { LayerResult } from './tables';

/** sample.arrow of the scanned layers, in their order; null where no sample was kept. */
export function writeSample(layers: readonly Layer[], results: readonly LayerResult[]): Uint8Array | null {
  const samples = results.flatMap(({ sample }) => sample ?? []);
  const pictures = samples[0]?.pictures;
  if (!pictures || samples.length < results.length) return null;
  return writeArrow([
    int32Column('image', pictures),
    ...layers.flatMap(({ id, units }, i) => [
      fixedListColumn(`activation:${id}`, units, samples[i]!.activation),
      fixedListColumn(`place:${id}`, units, samples[i]!.place),
    ]),
  ]);
}

/** The samples of the scanned layers. `images`: pictures of the study. Throws UnpoolError. */
export function readSample(bytes: Uint8Array, file: string, layers: readonly Layer[], images: number): LayerSample[] {
  const table = new ArrowTable(bytes, file);
  const pictures = table.int32('image');
  const expected = sampledPictures(
    images,
    layers.reduce((total, { units }) => total + units, 0),
  );
  if (pictures.length !== expected.length || pictures.some((picture, row) => picture !== expected[row]))
    throw table.bad('it is of other pictures than study.json names', 'image');
  return layers.map(({ id, units, map }) => ({
    units,
    pictures,
    activation: table.fixedList(`activation:${id}`, units, Float32Array),
    place: table.fixedList<Uint16Array | Int32Array>(
      `place:${id}`,
      units,
      map[0] * map[1] > 0x10000 ? Int32Array : Uint16Array,
    ),
  }));
}
