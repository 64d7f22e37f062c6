/**
 * Both passes of a resize as a WebAssembly program of 128-bit SIMD, put together here: the same sums of whole numbers as
 * resample.ts makes, four at a time. Source of the opcodes: WebAssembly 2.0, "Binary Format".
 */

/** Weights of one axis: see resample.ts. */
export interface Axis {
  first: Int32Array;
  weight: Int32Array;
  taps: number;
}

declare const WebAssembly: {
  validate(bytes: Uint8Array): boolean;
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object) => { exports: unknown };
};

interface Passes {
  memory: { readonly buffer: ArrayBuffer; grow(pages: number): number };
  /** Of each row of `row` bytes at `source`: `outputs` pixels to `target`, one after the other. */
  rows(source: number, row: number, rows: number, first: number, weight: number, taps: number, outputs: number, target: number): void; // prettier-ignore
  /** `outputs` rows of `row` bytes to `target`, from those at `source`. The last parameter is not used. */
  columns(source: number, row: number, outputs: number, first: number, weight: number, taps: number, target: number, _: 0): void; // prettier-ignore
}

/** Rounds a sum of weights of 22 bits. */
const half = 1 << 21;
const precision = 22;

type Code = number[];

function unsigned(value: number): Code {
  const low = value & 0x7f;
  return value < 0x80 ? [low] : [low | 0x80, ...unsigned(value >>> 7)];
}
function signed(value: number): Code {
  const low = value & 0x7f;
  const rest = value >> 7;
  return (rest === 0 && low < 0x40) || (rest === -1 && low >= 0x40) ? [low] : [low | 0x80, ...signed(rest)];
}

const get = (local: number): Code => [0x20, local];
const set = (local: number): Code => [0x21, local];
/** A local += what is on the stack. */
const plus = (local: number, ...value: Code): Code => [...get(local), ...value, 0x6a, ...set(local)];
const int = (value: number): Code => [0x41, ...signed(value)];
const times: Code = [0x6c];
const sum: Code = [0x6a];
const loadInt: Code = [0x28, 2, 0];
const simd = (opcode: number, ...rest: Code): Code => [0xfd, ...unsigned(opcode), ...rest];
/** Four bytes, or eight, of any address; zeros behind them. */
const loadFour = simd(0x5c, 0, 0);
const loadEight = simd(0x5d, 0, 0);
const storeFour = simd(0x5a, 0, 0, 0);
const storeEight = simd(0x5b, 0, 0, 0);
/** A number at an address that four divide, four times. */
const loadSplat = simd(0x09, 2, 0);
const splat = simd(0x11);
const widenBytes = simd(0x89);
const [widenLow, widenHigh] = [simd(0xa9), simd(0xaa)];
const [addFour, multiplyFour, shiftFour] = [simd(0xae), simd(0xb5), simd(0xac)];
/** Eight numbers of two registers into 16 bits, then 8, each cut at its ends: together 0 to 255. */
const [narrowToWords, narrowToBytes] = [simd(0x85), simd(0x66)];
/** Runs at least once, then as long as `counter` is above zero after it fell by `step`. */
const loop = (counter: number, step: number, ...code: Code): Code => [
  ...[0x03, 0x40, ...code, ...get(counter), ...int(step), 0x6b, ...set(counter)],
  ...[...get(counter), ...int(0), 0x4a, 0x0d, 0, 0x0b],
];

/** Locals: the parameters (0 to 7), then five integers (8 to 12), then four registers (13 to 16). */
function rowsCode(): Code {
  const [source, row, rows, first, weight, taps, outputs, target] = [0, 1, 2, 3, 4, 5, 6, 7];
  const [left, pixel, w, tap, f, total] = [8, 9, 10, 11, 12, 13];
  const oneTap = [
    ...[...get(total), ...get(pixel), ...loadFour, ...widenBytes, ...widenLow],
    ...[...get(w), ...loadSplat, ...multiplyFour, ...addFour, ...set(total)],
    ...[...plus(pixel, ...int(3)), ...plus(w, ...int(4))],
  ];
  // A pixel is stored with a fourth byte, which the next pixel overwrites.
  const onePixel = [
    ...[...get(f), ...loadInt, ...int(3), ...times, ...get(source), ...sum, ...set(pixel)],
    ...[...int(half), ...splat, ...set(total), ...get(taps), ...set(tap)],
    ...loop(tap, 1, ...oneTap),
    ...[...get(target), ...get(total), ...int(precision), ...shiftFour, ...set(total)],
    ...[...get(total), ...get(total), ...narrowToWords, ...set(total)],
    ...[...get(total), ...get(total), ...narrowToBytes, ...storeFour],
    ...[...plus(target, ...int(3)), ...plus(f, ...int(4))],
  ];
  return loop(
    rows,
    1,
    ...[...get(first), ...set(f), ...get(weight), ...set(w), ...get(outputs), ...set(left)],
    ...[...loop(left, 1, ...onePixel), ...plus(source, ...get(row))],
  );
}

function columnsCode(): Code {
  const [source, row, outputs, first, weight, taps, target] = [0, 1, 2, 3, 4, 5, 6];
  const [left, byte, w, tap, base, low, high, bytes, factor] = [8, 9, 10, 11, 12, 13, 14, 15, 16];
  const oneTap = [
    ...[...get(byte), ...loadEight, ...widenBytes, ...set(bytes), ...get(w), ...loadSplat, ...set(factor)],
    ...[...get(low), ...get(bytes), ...widenLow, ...get(factor), ...multiplyFour, ...addFour, ...set(low)],
    ...[...get(high), ...get(bytes), ...widenHigh, ...get(factor), ...multiplyFour, ...addFour, ...set(high)],
    ...[...plus(byte, ...get(row)), ...plus(w, ...int(4))],
  ];
  const eightBytes = [
    ...[...get(base), ...set(byte), ...get(weight), ...set(w), ...get(taps), ...set(tap)],
    ...[...int(half), ...splat, ...set(low), ...get(low), ...set(high)],
    ...loop(tap, 1, ...oneTap),
    ...[...get(target), ...get(low), ...int(precision), ...shiftFour, ...get(high), ...int(precision), ...shiftFour],
    ...[...narrowToWords, ...set(low), ...get(low), ...get(low), ...narrowToBytes, ...storeEight],
    ...[...plus(target, ...int(8)), ...plus(base, ...int(8))],
  ];
  // The last eight of a row may go beyond its end: what they wrote there the next row overwrites.
  return loop(
    outputs,
    1,
    ...[...get(first), ...loadInt, ...get(row), ...times, ...get(source), ...sum, ...set(base), ...get(row)],
    ...[...set(left), ...loop(left, 8, ...eightBytes), ...plus(target, ...get(left)), ...plus(first, ...int(4))],
    ...[...get(taps), ...int(4), ...times, ...get(weight), ...sum, ...set(weight)],
  );
}

function moduleBytes(): Uint8Array {
  const sized = (code: Code): Code => [...unsigned(code.length), ...code];
  const list = (...items: Code[]): Code => [items.length, ...items.flat()];
  const section = (id: number, code: Code): Code => [id, ...sized(code)];
  const name = (text: string): Code => sized(Array.from(text, (character) => character.charCodeAt(0)));
  const [integer, register] = [0x7f, 0x7b];
  const body = (code: Code): Code => sized([...list([5, integer], [4, register]), ...code, 0x0b]);
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, list([0x60, ...sized(new Array<number>(8).fill(integer)), 0])),
    ...section(3, list([0], [0])),
    ...section(5, list([0, 1])),
    ...section(7, list([...name('memory'), 2, 0], [...name('rows'), 0, 0], [...name('columns'), 0, 1])),
    ...section(10, list(body(rowsCode()), body(columnsCode()))),
  ]);
}

let made: Passes | null | undefined;

/** Null where the processor or the program that runs this has no SIMD. */
function passes(): Passes | null {
  if (made !== undefined) return made;
  const bytes = moduleBytes();
  made = WebAssembly.validate(bytes)
    ? (new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports as Passes)
    : null;
  return made;
}

const page = 0x10000;
/** Bytes of a picture that are there at once, and of the memory in all: it is kept as long as the thread lives. */
const band = 1 << 20;
const most = 1 << 25;

/**
 * Rows of `row` bytes, resized by `across`, then the columns by `down`, whose `first` counts from these rows on. Null where it
 * cannot be done here: there is no SIMD, nothing to do, or the picture is too large.
 */
export function resizeQuickly(rgb: Uint8Array, row: number, across: Axis, down: Axis): Uint8Array | null {
  const program = passes();
  const rows = rgb.length / row;
  const wide = 3 * across.first.length;
  const inBand = Math.max(1, Math.min(rows, Math.floor(band / row)));
  let end = 0;
  /** What is read or written at once may go some bytes beyond an end. */
  const room = (bytes: number): number => {
    const at = end;
    end += Math.ceil(bytes / 16) * 16 + 16;
    return at;
  };
  const [source, between, target] = [room(inBand * row), room(rows * wide), room(down.first.length * wide)];
  const ints = ({ length }: Int32Array): number => room(4 * length);
  const [first, weight] = [ints(across.first), ints(across.weight)];
  const [downFirst, downWeight] = [ints(down.first), ints(down.weight)];
  if (!program || end > most || wide === 0 || down.first.length === 0) return null;
  const { memory } = program;
  const missing = Math.ceil((end - memory.buffer.byteLength) / page);
  if (missing > 0) memory.grow(missing);
  const bytes = new Uint8Array(memory.buffer);
  const put = (at: number, values: Int32Array) => new Int32Array(memory.buffer, at, values.length).set(values);
  put(first, across.first);
  put(weight, across.weight);
  put(downFirst, down.first);
  put(downWeight, down.weight);
  for (let y = 0; y < rows; y += inBand) {
    const count = Math.min(inBand, rows - y);
    bytes.set(rgb.subarray(y * row, (y + count) * row), source);
    program.rows(source, row, count, first, weight, across.taps, across.first.length, between + y * wide);
  }
  program.columns(between, wide, down.first.length, downFirst, downWeight, down.taps, target, 0);
  return bytes.slice(target, target + down.first.length * wide);
}
