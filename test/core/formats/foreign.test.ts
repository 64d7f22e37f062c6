import { describe, expect, it } from 'vitest';
import { UnpoolError } from '../../../main/core/errors';
import { formats, modelExtensions, readModel } from '../../../main/core/formats/index';
import { bytesOf, goldenModels, realModels } from './support';
import { bytes, int, text } from './encode';

const ascii = (content: string): number[] => [...new TextEncoder().encode(content)];
/** The head of a ZIP's first entry, then the names of what follows. */
const zip = (first: string, rest = ''): number[] => [
  ...[0x50, 0x4b, 3, 4, 20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, first.length, 0, 0, 0],
  ...ascii(first),
  ...ascii(rest),
];

/** [what it is, its first bytes, what the message says, what the hint says] */
const files: [string, number[], RegExp, RegExp][] = [
  ['PyTorch, zipped', zip('resnet/data.pkl'), /PyTorch.*never runs code/, /torch\.onnx\.export\(/],
  ['PyTorch, old', [0x80, 2, 0x8a, 10, 0x6c, 0xfc], /pickled/, /torch\.onnx\.export\(/],
  ['a newer pickle', [0x80, 4, 0x95, 0], /pickled/, /torch\.onnx\.export\(/],
  ['Keras .h5', [0x89, 0x48, 0x44, 0x46, 13, 10, 26, 10], /HDF5.*Keras/, /format="onnx"/],
  ['Keras 3', zip('metadata.json', 'PK..config.json'), /Keras 3/, /format="onnx"/],
  ['another ZIP', zip('holiday.jpg'), /ZIP/, /Unpack/],
  ['TensorFlow Lite', [0x1c, 0, 0, 0, ...ascii('TFL3')], /TensorFlow Lite/, /tf2onnx/],
  ['safetensors', [64, 0, 0, 0, 0, 0, 0, 0, ...ascii('{"w":{"dtype":"F32","shape":[1]}}')], /safetensors/, /export/],
  ['TensorFlow.js', ascii('{"format":"layers-model","modelTopology":{}}'), /TensorFlow\.js/, /tf2onnx/],
  ['SavedModel', [...int(1, 1), ...bytes(2, bytes(1, text(5, 'serve')))], /SavedModel/, /tf2onnx/],
  ['Core ML', [...int(1, 4), ...bytes(2, bytes(1, text(1, 'image')))], /Core ML/, /ONNX/],
  ['Caffe', ascii('# AlexNet\nname: "AlexNet"\nlayer {\n}'), /Caffe/, /ONNX/],
  ['Caffe, older', ascii('input: "data"\ninput_dim: 1\nlayers {'), /Caffe/, /ONNX/],
  ['Darknet', ascii('[net]\nbatch=1\n'), /Darknet/, /ONNX/],
  ['Git LFS', ascii('version https://git-lfs.github.com/spec/v1\noid sha256:0'), /Git LFS/, /git lfs pull/],
  ['a web page', ascii('<!DOCTYPE html><html>'), /not a model/, /onnx/],
  ['an empty file', [], /empty/, /again/],
];

describe('files that are no ONNX', () => {
  it.each(files)('%s', async (_, head, message, hint) => {
    expect(formats.some((format) => format.probe(Uint8Array.from(head)))).toBe(false);
    let error: unknown;
    try {
      await readModel(Uint8Array.from(head));
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(UnpoolError);
    expect((error as UnpoolError).message).toMatch(message);
    expect((error as UnpoolError).hint).toMatch(hint);
  });

  it.each([...goldenModels(), ...realModels()])('%s is ONNX', (_, file) => {
    expect(formats.filter((format) => format.probe(bytesOf(file))).map((format) => format.id)).toEqual(['onnx']);
  });

  it('each format has an identity and extensions of its own', () => {
    expect(new Set(formats.map((format) => format.id)).size).toBe(formats.length);
    expect(new Set(modelExtensions).size).toBe(modelExtensions.length);
  });
});
