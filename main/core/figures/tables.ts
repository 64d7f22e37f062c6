import { zipSync, type Zippable } from 'fflate';
import type { FigureRecord } from './record';

/** The raw arrays of one unit. */
export interface PanelArrays {
  /** [n, channels, height, width]; null where there is no way back. */
  reconstructions: { shape: [number, number, number, number]; data: Float32Array } | null;
  /** [n, height, width, 3]. */
  patches: { shape: [number, number, number, number]; data: Uint8Array };
  activations: Float32Array;
  /** [n, 3]: picture, y, x. */
  places: Int32Array;
}

type NumberArray = Float32Array | Uint8Array | Int32Array;

/** An array as .npy, version 1.0. Source: NumPy's "npy-format" specification. */
export function npy(data: NumberArray, shape: readonly number[]): Uint8Array {
  const type = data instanceof Float32Array ? '<f4' : data instanceof Int32Array ? '<i4' : '|u1';
  const dict = `{'descr': '${type}', 'fortran_order': False, 'shape': (${shape.join(', ')}${shape.length === 1 ? ',' : ''}), }`;
  // The data begin at a multiple of 64.
  const length = Math.ceil((10 + dict.length + 1) / 64) * 64 - 10;
  const out = new Uint8Array(10 + length + data.byteLength);
  out.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, length & 255, length >> 8]);
  out.set(
    Uint8Array.from(`${dict.padEnd(length - 1)}\n`, (letter) => letter.charCodeAt(0)),
    10,
  );
  const view = new DataView(out.buffer, 10 + length);
  if (data instanceof Uint8Array) out.set(data, 10 + length);
  else if (data instanceof Float32Array) data.forEach((value, i) => view.setFloat32(4 * i, value, true));
  else data.forEach((value, i) => view.setInt32(4 * i, value, true));
  return out;
}

export const recordEntry = 'unpool.json';

/** The arrays of a figure as .npz. The same arrays give the same bytes. */
export function npz(panels: readonly PanelArrays[], record: Uint8Array): Uint8Array {
  const files: Zippable = {};
  const mtime = new Date(2000, 0, 1); // local, as ZIP has it
  panels.forEach(({ reconstructions, patches, activations, places }, i) => {
    const name = (what: string): string => `p${String(i).padStart(3, '0')}_${what}.npy`;
    if (reconstructions) files[name('reconstructions')] = npy(reconstructions.data, reconstructions.shape);
    files[name('patches')] = npy(patches.data, patches.shape);
    files[name('activations')] = npy(activations, [activations.length]);
    files[name('places')] = npy(places, [activations.length, 3]);
  });
  files[recordEntry] = record;
  return zipSync(files, { level: 6, mtime });
}

export const csvMark = '# unpool ';

/** The activations of a figure, a line per tile. */
export function csv(record: FigureRecord): string {
  const cell = (value: string | number | null): string => {
    const text = value === null ? '' : String(value);
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  const lines = record.panels.flatMap(({ name, unit, label, tiles }, panel) =>
    tiles.map(({ activation, picture, file, class: group, y, x, box }, rank) =>
      [panel, name, unit, label, rank, activation, picture, file, group, y, x, ...box].map(cell).join(','),
    ),
  );
  const head = 'panel,layer,unit,label,rank,activation,picture,file,class,y,x,box_y0,box_x0,box_y1,box_x1';
  return [`${csvMark}${JSON.stringify(record)}`, head, ...lines, ''].join('\n');
}
