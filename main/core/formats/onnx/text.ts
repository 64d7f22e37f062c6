import protobuf from 'protobufjs/light';

const { utf8 } = protobuf.util;

/** UTF-8 to string and back; core has no TextDecoder. */
export const decodeText = (bytes: Uint8Array): string => utf8.read(bytes, 0, bytes.length);

export function encodeText(text: string): Uint8Array {
  const bytes = new Uint8Array(utf8.length(text));
  utf8.write(text, bytes, 0);
  return bytes;
}
