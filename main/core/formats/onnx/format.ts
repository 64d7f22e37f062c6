import type { Format } from '../format';
import { readOnnx } from './read';

/** SavedModel and Core ML begin alike, but where ONNX has its producer's name they have a message, led by field 1. */
function holdsMessage(head: Uint8Array): boolean {
  if (head[2] !== 0x12) return false;
  let at = 3;
  while (at < head.length && head[at]! >= 0x80) at++;
  return head[at]! > 0 && head[at + 1] === 0x0a;
}

export const onnx: Format = {
  id: 'onnx',
  label: 'ONNX',
  extensions: ['onnx'],
  /** A protobuf message whose first field is one of ModelProto's: exporters write ir_version, a small varint, first. */
  probe: (head) =>
    head[0] === 0x08 &&
    head[1]! > 0 &&
    head[1]! < 0x80 &&
    head.length > 4 &&
    [0x12, 0x1a, 0x22, 0x28, 0x32, 0x3a, 0x42, 0x72].includes(head[2]!) &&
    !holdsMessage(head),
  read: (bytes, options) => readOnnx(bytes, options),
};
