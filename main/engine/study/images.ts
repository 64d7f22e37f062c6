import { ArrowTable, int32Column, int64Column, textColumn, uint64Column, writeArrow, type Column } from './arrow';

/** A picture of a new list. */
export interface ImageRow {
  file: string;
  class: string | null;
  /** Size of the file; -1 where it is not known. */
  bytes: number;
}

/** Rows of one record batch. */
const batchRows = 1 << 16;

const kept = ['index', 'file', 'class', 'bytes'] as const;

function listed(images: readonly ImageRow[], start: number): Column[] {
  return [
    int32Column(
      'index',
      Int32Array.from(images, (_, i) => start + i),
    ),
    textColumn(
      'file',
      images.map(({ file }) => file),
      false,
    ),
    textColumn(
      'class',
      images.map((image) => image.class),
      true,
    ),
    int64Column(
      'bytes',
      BigInt64Array.from(images, ({ bytes }) => BigInt(bytes)),
    ),
  ];
}

/** What a scan found of the pictures, for rows [start, start + rows). */
function found(start: number, rows: number, broken: ReadonlyMap<number, string>, hashes: Hashes | null): Column[] {
  const reasons = Array.from({ length: rows }, (_, i) => broken.get(start + i) ?? null);
  const halves = new Uint32Array(2 * rows);
  const known = new Uint8Array(rows);
  for (let i = 0; hashes && i < rows; i++) {
    const at = start + i - hashes.from;
    if (at < 0 || start + i >= hashes.next || reasons[i] !== null) continue;
    halves.set(hashes.halves.subarray(2 * at, 2 * at + 2), 2 * i);
    known[i] = 1;
  }
  return [
    textColumn('broken', reasons, true),
    uint64Column('dhash', new BigUint64Array(halves.buffer), (row) => known[row] === 1),
  ];
}

/** Hashes of the pictures [from, next), two halves each. */
export interface Hashes {
  from: number;
  next: number;
  halves: Uint32Array;
}

/** images.arrow of a new list. */
export function writeImages(images: readonly ImageRow[]): Uint8Array {
  return writeArrow(...newBatches(images, 0));
}

function newBatches(images: readonly ImageRow[], start: number): Column[][] {
  const batches: Column[][] = [];
  for (let at = 0; at < images.length || batches.length === 0; at += batchRows) {
    const part = images.slice(at, at + batchRows);
    batches.push([...listed(part, start + at), ...found(start + at, part.length, new Map(), null)]);
  }
  return batches;
}

/** The pictures of a study as its images.arrow names them; a row is decoded when it is asked for. */
export class Images {
  readonly count: number;
  private readonly table: ArrowTable;
  private brokenKnown: readonly number[] | null = null;
  private readonly files: (row: number) => string | null;
  private readonly classes: (row: number) => string | null;
  private readonly reasons: (row: number) => string | null;
  private readonly sizes: ((row: number) => bigint | null) | null;
  private readonly hashes: ((row: number) => bigint | null) | null;

  /** `count`: pictures that study.json names; further rows are those of a growth that did not come to pass. Throws UnpoolError. */
  constructor(bytes: Uint8Array, file: string, count: number) {
    this.table = new ArrowTable(bytes, file);
    const { table } = this;
    if (table.rows < count) throw table.bad(`it names ${table.rows} pictures, study.json ${count}`);
    this.count = count;
    this.files = table.text('file');
    this.classes = table.text('class');
    this.reasons = table.text('broken');
    // Studies of earlier programs have neither.
    this.sizes = table.has('bytes') ? table.wide('bytes') : null;
    this.hashes = table.has('dhash') ? table.wide('dhash') : null;
    table.int32('index').forEach((index, row) => {
      if (index !== row) throw table.bad(`row ${row} has the index ${index}`, 'index');
    });
  }

  file(row: number): string {
    const name = this.files(row);
    if (name === null) throw this.table.bad(`row ${row} names no file`, 'file');
    return name;
  }

  class(row: number): string | null {
    return this.classes(row);
  }

  /** Why the picture could not be read; null where it could, or was not tried. */
  broken(row: number): string | null {
    return this.reasons(row);
  }

  brokenRows(): readonly number[] {
    return (this.brokenKnown ??= this.table.filled('broken').filter((row) => row < this.count));
  }

  /** Whether the sizes of the files are known. */
  get sized(): boolean {
    return this.sizes !== null;
  }

  /** Size of the file when it was listed; -1 where it is not known. */
  bytes(row: number): number {
    return Number(this.sizes?.(row) ?? -1n);
  }

  /** The difference hash's halves. */
  hash(row: number): [number, number] | null {
    const hash = this.hashes?.(row) ?? null;
    return hash === null ? null : [Number(hash & 0xffffffffn), Number(hash >> 32n)];
  }

  /** The columns of the list itself, as they are in the file. */
  private columns(): { start: number; rows: number; columns: Column[] }[] {
    return this.table.batches(this.sizes ? kept : kept.slice(0, 3)).flatMap(({ start, rows, columns }) => {
      const own = Math.min(rows, this.count - start);
      if (own <= 0 && start > 0) return [];
      const cut = columns.map((column) => (own < rows ? { ...column, data: column.data.slice(0, own) } : column));
      const sizes = this.sizes ? [] : [int64Column('bytes', new BigInt64Array(own).fill(-1n))];
      return [{ start, rows: own, columns: [...cut, ...sizes] }];
    });
  }

  /** images.arrow with what a scan found. */
  withFound(broken: ReadonlyMap<number, string>, hashes: Hashes): Uint8Array {
    return writeArrow(
      ...this.columns().map(({ start, rows, columns }) => [...columns, ...found(start, rows, broken, hashes)]),
    );
  }

  /** images.arrow with further pictures at its end. */
  withMore(images: readonly ImageRow[], broken: ReadonlyMap<number, string>, hashes: Hashes): Uint8Array {
    return writeArrow(
      ...this.columns().map(({ start, rows, columns }) => [...columns, ...found(start, rows, broken, hashes)]),
      ...newBatches(images, this.count),
    );
  }
}
