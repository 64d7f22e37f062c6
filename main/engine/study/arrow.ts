import {
  DataType,
  Dictionary,
  Field,
  Float32,
  Float64,
  Int32,
  List,
  makeData,
  Precision,
  RecordBatch,
  Schema,
  Struct,
  Table,
  tableFromIPC,
  tableToIPC,
  Uint32,
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

export const textColumn = (name: string, values: readonly (string | null)[], nullable: boolean): Column => ({
  name,
  data: vectorFromArray(values, new Utf8()).data[0] ?? makeData({ type: new Utf8(), length: 0 }),
  nullable,
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
  lists: readonly (readonly number[] | null)[],
  nullable: boolean,
): Column {
  const offsets = new Int32Array(lists.length + 1);
  const valid = new Uint8Array(Math.ceil(lists.length / 64) * 8);
  let nullCount = 0;
  lists.forEach((list, i) => {
    offsets[i + 1] = offsets[i]! + (list?.length ?? 0);
    if (list) valid[i >> 3]! |= 1 << (i & 7);
    else nullCount++;
  });
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
      nullCount,
      ...(nullCount > 0 && { nullBitmap: valid }),
      valueOffsets: offsets,
      child: child as Data,
    }),
    nullable,
  };
}

/** One record batch as an Arrow IPC file. The same columns give the same bytes. */
export function writeArrow(columns: readonly Column[]): Uint8Array {
  const fields = columns.map(({ name, data, nullable }) => new Field(name, data.type as DataType, nullable));
  const schema = new Schema(fields);
  const length = columns[0]?.data.length ?? 0;
  const struct = makeData({
    type: new Struct(fields),
    length,
    nullCount: 0,
    children: columns.map(({ data }) => data),
  });
  return tableToIPC(new Table([new RecordBatch(schema, struct)]), 'file');
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

  text(name: string): (string | null)[] {
    const vector = this.column(name, 'utf8', (type) => DataType.isUtf8(type));
    return Array.from(vector as Iterable<string | null>);
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

  /** One row of a column of lists. */
  list(name: string): (row: number) => number[] | null {
    const vector = this.column(name, 'a list', (type) => DataType.isList(type));
    return (row) => {
      const value = vector.get(row) as Iterable<number> | null;
      return value && Array.from(value);
    };
  }
}
