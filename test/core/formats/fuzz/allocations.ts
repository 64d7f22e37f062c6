/**
 * The arrays, in bytes, that anything in this thread has asked for since it was set to 0: the largest, and all together,
 * which is how much was computed, whatever the machine. Import it first.
 */
export const asked = { largest: 0, total: 0 };

/** Arrays by length or from an iterable; a view of a buffer takes nothing new. */
function watch<T extends { new (...given: never[]): object; BYTES_PER_ELEMENT?: number }>(original: T): T {
  return new Proxy(original, {
    construct(target, given: unknown[], self) {
      const [first] = given;
      const length = typeof first === 'number' ? first : ArrayBuffer.isView(first) ? (first as Uint8Array).length : 0;
      const bytes = length * (original.BYTES_PER_ELEMENT ?? 1);
      asked.largest = Math.max(asked.largest, bytes);
      asked.total += bytes;
      return Reflect.construct(target, given, self) as object;
    },
  });
}

for (const type of [
  ...[ArrayBuffer, Uint8Array, Int8Array, Uint16Array, Int16Array, Uint32Array, Int32Array],
  ...[Float32Array, Float64Array, BigInt64Array, BigUint64Array],
])
  (globalThis as Record<string, unknown>)[type.name] = watch(type as never);
