import {
  DataType,
  Dictionary,
  Field,
  FixedSizeList,
  Float32,
  Float64,
  Int32,
  Int64,
  List,
  makeData,
  Precision,
  RecordBatch,
  Schema,
  Struct,
  Table,
  tableFromIPC,
  tableToIPC,
  Uint16,
  Uint32,
  Uint64,
  Utf8,
  vectorFromArray,
  type Data,
  type Vector,
} from 'apache-arrow';
import { UnpoolError } from '../../core/errors';

/** A column to write: its type, its values and whether nulls are among them. */
export interface Column {
  name: string;
  data: Data;
  nullable: boolean;
}

export const int32Column = (name: string, values: Int32Array): Column => ({
  name,
  data: makeData({ type: new Int32(), data: values }),
  nullable: false,
});

export const float32Column = (name: string, values: Float32Array): Column => ({
  name,
  data: makeData({ type: new Float32(), data: values }),
  nullable: false,
});

export const float64Column = (name: string, values: Float64Array): Column => ({
  name,
  data: makeData({ type: new Float64(), data: values }),
  nullable: false,
});

/** A bit for each row that is not null, least significant first. */
function validity(valid: (row: number) => boolean, rows: number): { nullCount: number; nullBitmap?: Uint8Array } {
  const nullBitmap = new Uint8Array(Math.ceil(rows / 64) * 8);
  let nullCount = 0;
  for (let row = 0; row < rows; row++)
    if (valid(row)) nullBitmap[row >> 3]! |= 1 << (row & 7);
    else nullCount++;
  return nullCount > 0 ? { nullCount, nullBitmap } : { nullCount };
}

const utf8 = new TextEncoder();

export function textColumn(name: string, values: readonly (string | null)[], nullable: boolean): Column {
  const encoded = values.map((value) => (value === null ? null : utf8.encode(value)));
  const valueOffsets = new Int32Array(values.length + 1);
  encoded.forEach((bytes, i) => (valueOffsets[i + 1] = valueOffsets[i]! + (bytes?.length ?? 0)));
  const data = new Uint8Array(valueOffsets.at(-1)!);
  encoded.forEach((bytes, i) => bytes && data.set(bytes, valueOffsets[i]));
  const nulls = validity((row) => encoded[row] !== null, values.length);
  return {
    name,
    data: makeData({ type: new Utf8(), length: values.length, ...nulls, valueOffsets, data }),
    nullable,
  };
}

export const int64Column = (name: string, values: BigInt64Array): Column => ({
  name,
  data: makeData({ type: new Int64(), data: values }),
  nullable: false,
});

export const uint64Column = (name: string, values: BigUint64Array, valid: (row: number) => boolean): Column => ({
  name,
  data: makeData({
    type: new Uint64(),
    length: values.length,
    ...validity(valid, values.length),
    data: values,
  }),
  nullable: true,
});

/** Text of few different values, by index. The dictionary's number is fixed, so that the same table gives the same bytes. */
export const dictionaryColumn = (name: string, words: readonly string[], indices: Int32Array): Column => ({
  name,
  data: makeData({
    type: new Dictionary(new Utf8(), new Int32(), 0),
    data: indices,
    dictionary: vectorFromArray([...words], new Utf8()),
  }),
  nullable: false,
});

/** Lists of numbers, or null. */
export function listColumn(
  name: string,
  type: Uint32 | Float64,
  lists: readonly (ArrayLike<number> | null)[],
  nullable: boolean,
): Column {
  const offsets = new Int32Array(lists.length + 1);
  lists.forEach((list, i) => (offsets[i + 1] = offsets[i]! + (list?.length ?? 0)));
  const flat = type instanceof Uint32 ? new Uint32Array(offsets.at(-1)!) : new Float64Array(offsets.at(-1)!);
  lists.forEach((list, i) => list && flat.set(list, offsets[i]));
  const child =
    type instanceof Uint32
      ? makeData({ type, data: flat as Uint32Array })
      : makeData({ type, data: flat as Float64Array });
  return {
    name,
    data: makeData({
      type: new List(new Field<DataType>('item', type, false)),
      length: lists.length,
      ...validity((row) => lists[row] !== null, lists.length),
      valueOffsets: offsets,
      child: child as Data,
    }),
    nullable,
  };
}

/** Lists of `size` numbers, one after the other. */
export function fixedListColumn(name: string, size: number, values: Float32Array | Int32Array | Uint16Array): Column {
  const child: Data =
    values instanceof Float32Array
      ? makeData({ type: new Float32(), data: values })
      : values instanceof Int32Array
        ? makeData({ type: new Int32(), data: values })
        : makeData({ type: new Uint16(), data: values });
  const type = new FixedSizeList(size, new Field<DataType>('item', child.type as DataType, false));
  return { name, data: makeData({ type, length: values.length / size, nullCount: 0, child }), nullable: false };
}

/** An Arrow IPC file of one record batch for each list of columns (of the same names and types). The same columns give the same bytes. */
export function writeArrow(...batches: readonly (readonly Column[])[]): Uint8Array {
  const fields = batches[0]!.map(({ name, data, nullable }) => new Field(name, data.type as DataType, nullable));
  const schema = new Schema(fields);
  const written = batches.map((columns) => {
    const children = columns.map(({ data }) => data);
    return new RecordBatch(
      schema,
      makeData({ type: new Struct(fields), length: children[0]?.length ?? 0, nullCount: 0, children }),
    );
  });
  return tableToIPC(new Table(written), 'file');
}

/** A table read from an Arrow IPC file whose columns are asked for by name and type. */
export class ArrowTable {
  private readonly table: Table;
  private readonly file: string;

  constructor(bytes: Uint8Array, file: string) {
    this.file = file;
    try {
      this.table = tableFromIPC(bytes);
    } catch (error) {
      throw this.bad('it is not a whole Arrow file', undefined, error);
    }
    // A file that is cut off before its schema reads as a table without columns.
    if (this.table.schema.fields.length === 0) throw this.bad('it is not a whole Arrow file');
  }

  get rows(): number {
    return this.table.numRows;
  }

  bad(what: string, field?: string, cause?: unknown): UnpoolError {
    return new UnpoolError('bad-study', `The study's table "${this.file}" cannot be read: ${what}.`, {
      hint: 'Scan the pictures again, or take the file from a copy.',
      place: { file: this.file, ...(field && { field }) },
      cause,
    });
  }

  private column(name: string, type: string, accept: (type: DataType) => boolean): Vector {
    const vector = this.table.getChild(name);
    if (!vector) throw this.bad(`the column "${name}" is missing`, name);
    if (!accept(vector.type as DataType)) throw this.bad(`the column "${name}" is ${vector.type}, not ${type}`, name);
    return vector as Vector;
  }

  int32(name: string): Int32Array {
    return this.column(
      name,
      'int32',
      (type) => DataType.isInt(type) && type.isSigned && type.bitWidth === 32,
    ).toArray() as Int32Array;
  }

  float32(name: string): Float32Array {
    return this.column(
      name,
      'float32',
      (type) => DataType.isFloat(type) && type.precision === Precision.SINGLE,
    ).toArray() as Float32Array;
  }

  float64(name: string): Float64Array {
    return this.column(
      name,
      'float64',
      (type) => DataType.isFloat(type) && type.precision === Precision.DOUBLE,
    ).toArray() as Float64Array;
  }

  has(name: string): boolean {
    return this.table.getChild(name) !== null;
  }

  /** Text is decoded when a row is asked for: a million of them would take a while. */
  text(name: string): (row: number) => string | null {
    const vector = this.column(name, 'utf8', (type) => DataType.isUtf8(type));
    return (row) => vector.get(row) as string | null;
  }

  /** Whole numbers of 64 bits. */
  wide(name: string): (row: number) => bigint | null {
    const vector = this.column(name, 'int64', (type) => DataType.isInt(type) && type.bitWidth === 64);
    return (row) => vector.get(row) as bigint | null;
  }

  /** The rows in which a column is not null. */
  filled(name: string): number[] {
    const vector = this.table.getChild(name);
    const rows: number[] = [];
    if (!vector) return rows;
    let start = 0;
    for (const chunk of vector.data) {
      // Eight rows at a time: nearly all of a million are null.
      if (chunk.nullCount < chunk.length)
        for (let row = 0; row < chunk.length; row++)
          if (chunk.offset === 0 && (row & 7) === 0 && chunk.nullBitmap?.[row >> 3] === 0) row += 7;
          else if (chunk.getValid(row)) rows.push(start + row);
      start += chunk.length;
    }
    return rows;
  }

  /** The columns of these names, batch by batch, to be written again as they are. */
  batches(names: readonly string[]): { start: number; rows: number; columns: Column[] }[] {
    let start = 0;
    return this.table.batches.map((batch) => {
      const columns = names.map((name): Column => {
        const index = batch.schema.fields.findIndex((field) => field.name === name);
        return { name, data: batch.data.children[index]!, nullable: batch.schema.fields[index]!.nullable };
      });
      const each = { start, rows: batch.numRows, columns };
      start += batch.numRows;
      return each;
    });
  }

  /** The rows' words, as indices into `words`; a word that is not among them is an error. */
  dictionary(name: string, words: readonly string[]): Int32Array {
    const vector = this.column(name, 'a dictionary of utf8', (type) => DataType.isDictionary(type));
    const known = new Map(words.map((word, index) => [word, index]));
    const out = new Int32Array(this.rows);
    let at = 0;
    for (const chunk of vector.data) {
      const entries = Array.from((chunk.dictionary ?? []) as Iterable<string | null>, (word) => {
        const index = known.get(word ?? '');
        if (index === undefined) throw this.bad(`study.json knows no ${name} "${word}"`, name);
        return index;
      });
      for (const index of chunk.values as ArrayLike<number> & Iterable<number>) {
        if (at >= out.length) break;
        const word = entries[index];
        if (word === undefined) throw this.bad(`the column "${name}" points past its dictionary`, name);
        out[at++] = word;
      }
    }
    return out;
  }

  /** The numbers of a column of lists of `size`, one after the other. */
  fixedList<T>(name: string, size: number, type: new (length: number) => T & { length: number }): T {
    const vector = this.column(name, `lists of ${size}`, (t) => DataType.isFixedSizeList(t) && t.listSize === size);
    const values: unknown = vector.data[0]?.children[0]?.values ?? new type(0);
    if (!(values instanceof type) || values.length < size * this.rows)
      throw this.bad(`the column "${name}" holds other numbers`, name);
    return values;
  }

  /** One row of a column of lists of numbers. */
  list(name: string): (row: number) => ArrayLike<number> | null {
    const vector = this.column(name, 'a list', (type) => DataType.isList(type));
    return (row) => {
      const value = vector.get(row) as Vector<Uint32 | Float64> | null;
      return value && value.toArray();
    };
  }
}
