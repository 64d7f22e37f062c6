const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const values = new Uint8Array(128).fill(255);
for (let i = 0; i < 64; i++) values[letters.charCodeAt(i)] = i;

/** Float32 numbers as base64 of their little-endian bytes. (Core has neither Node's Buffer nor the DOM's btoa.) */
export function encodeFloats(numbers: Float32Array): string {
  const bytes = new Uint8Array(numbers.length * 4);
  const view = new DataView(bytes.buffer);
  numbers.forEach((value, i) => view.setFloat32(4 * i, value, true));
  const parts: string[] = [];
  for (let i = 0; i < bytes.length; i += 3) {
    const left = bytes.length - i;
    const word = (bytes[i]! << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0);
    parts.push(
      letters[word >> 18]! +
        letters[(word >> 12) & 63]! +
        (left > 1 ? letters[(word >> 6) & 63]! : '=') +
        (left > 2 ? letters[word & 63]! : '='),
    );
  }
  return parts.join('');
}

/** The way back; null where the text is not that. */
export function decodeFloats(text: string): Float32Array | null {
  const body = text.replace(/=+$/, '');
  const length = Math.floor((body.length * 3) / 4);
  if (length % 4 !== 0 || body.length % 4 === 1) return null;
  const bytes = new Uint8Array(length);
  let [bits, held, at] = [0, 0, 0];
  for (let i = 0; i < body.length; i++) {
    const value = values[body.charCodeAt(i)] ?? 255;
    if (value === 255) return null;
    held = ((held << 6) | value) & 0xffffff;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes[at++] = (held >> bits) & 255;
    }
  }
  const view = new DataView(bytes.buffer);
  return Float32Array.from({ length: length / 4 }, (_, i) => view.getFloat32(4 * i, true));
}
