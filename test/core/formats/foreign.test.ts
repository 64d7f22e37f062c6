import { describe, expect, it } from 'vitest';
import { UnpoolError } from '../../../main/core/errors';
import { formats, modelExtensions, readModel } from '../../../main/core/formats/index';
import { bytesOf, goldenModels, realModels } from './support';
import { bytes, int, text } from './encode';

const ascii = (content: string): number[] => [...new TextEncoder().encode(content)];
/** A ZIP archive of empty files: each with its head, and all of them in the directory at the end. */
const zip = (...names: string[]): number[] => {
  const zeros = (count: number) => new Array<number>(count).fill(0);
  const local = (name: string) => [0x50, 0x4b, 3, 4, 20, ...zeros(21), name.length, 0, 0, 0, ...ascii(name)];
  const entry = (name: string) => [0x50, 0x4b, 1, 2, ...zeros(24), name.length, 0, ...zeros(16), ...ascii(name)];
  return [...names.flatMap(local), ...names.flatMap(entry), 0x50, 0x4b, 5, 6, ...zeros(18)];
};

/** [what it is, its first bytes, what the message says, what the hint says] */
const files: [string, number[], RegExp, RegExp][] = [
  ['PyTorch, zipped', zip('resnet/data.pkl'), /PyTorch.*never runs code/, /torch\.onnx\.export\(/],
  ['PyTorch, old', [0x80, 2, 0x8a, 10, 0x6c, 0xfc], /pickled/, /torch\.onnx\.export\(/],
  ['a newer pickle', [0x80, 4, 0x95, 0], /pickled/, /torch\.onnx\.export\(/],
  ['Keras 3 without weights', zip('assets/vocabulary.txt', 'config.json'), /Keras 3/, /format="onnx"/],
  [
    'TorchScript',
    zip('net/data.pkl', 'net/code/__torch__.py', 'net/constants.pkl'),
    /TorchScript/,
    /torch\.jit\.load.*dynamo=False/s,
  ],
  [
    'a pickled network',
    [
      ...zip('net/data.pkl').slice(0, 42),
      ...ascii('\x80\x02ctorchvision.models.resnet\nResNet\nq'),
      ...zip('net/data.pkl').slice(42),
    ],
    /whole network: torchvision\.models\.resnet\.ResNet/,
    /torch\.load\(.*only for files that you trust/,
  ],
  ['Core ML package', zip('Manifest.json', 'Data/com.apple.CoreML/model.mlmodel'), /Core ML/, /ONNX/],
  ['NumPy arrays', zip('weight.npy', 'bias.npy'), /NumPy/, /Load them/],
  ['NumPy array', [0x93, ...ascii('NUMPY')], /NumPy/, /ONNX/],
  ['another ZIP', zip('holiday.jpg'), /ZIP/, /Unpack/],
  ['TensorFlow Lite', [0x1c, 0, 0, 0, ...ascii('TFL3')], /TensorFlow Lite/, /tf2onnx/],
  ['safetensors', [64, 0, 0, 0, 0, 0, 0, 0, ...ascii('{"w":{"dtype":"F32","shape":[1]}}')], /safetensors/, /export/],
  ['frozen TensorFlow graph', bytes(1, [...text(1, 'x'), ...text(2, 'Placeholder')]), /GraphDef/, /--graphdef/],
  ['MXNet', ascii('{\n  "nodes": [\n    {"op": "null", "name": "data", "inputs": []}'), /MXNet/, /export_model/],
  ['MXNet weights', [0x12, 1, 0, 0, 0, 0, 0, 0, 0, 0], /MXNet/, /export_model/],
  ['PaddlePaddle', bytes(1, [...int(1, 0), ...bytes(3, text(1, 'feed'))]), /PaddlePaddle/, /paddle2onnx/],
  ['PaddlePaddle 3', ascii('{"base_code":{"magic":"pir","version":1}}'), /PaddlePaddle/, /paddle2onnx/],
  [
    'PaddlePaddle weights',
    [...new Array<number>(16).fill(0), 6, 0, 0, 0, 8, 5, 0x10, 1],
    /PaddlePaddle/,
    /paddle2onnx/,
  ],
  [
    'Caffe weights',
    [...text(1, 'AlexNet'), ...bytes(100, [...text(1, 'conv1'), ...text(2, 'Convolution')])],
    /Caffe/,
    /caffe2onnx/,
  ],
  ['Darknet weights', [0, 0, 0, 0, 2, 0, 0, 0, 5, 0, 0, 0, 0, 0x7d, 0, 0, 0, 0, 0, 0], /Darknet/, /ONNX/],
  ['ONNX Runtime', [0x18, 0, 0, 0, ...ascii('ORTM')], /\.ort/, /\.onnx/],
  ['TensorRT', ascii('ftrt....'), /TensorRT/, /\.onnx/],
  ['OpenVINO', ascii('<?xml version="1.0"?>\n<net name="x" version="11">'), /OpenVINO/, /ONNX/],
  ['ncnn', ascii('7767517\n75 83\n'), /ncnn/, /ONNX/],
  ['MATLAB', ascii('MATLAB 5.0 MAT-file, Platform: GLNXA64'), /MATLAB/, /exportONNXNetwork/],
  ['GGUF', ascii('GGUF....'), /GGUF/, /convolutional/],
  ['a Keras description', ascii('{"class_name": "Functional", "config": {}}'), /Keras/, /weights loaded/],
  ['a packed archive', [0x1f, 0x8b, 8, 0], /archive/, /Unpack/],
  ['a picture', [0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10], /picture/, /folder of pictures/],
  ['SavedModel', [...int(1, 1), ...bytes(2, bytes(1, text(5, 'serve')))], /SavedModel/, /tf2onnx/],
  ['Core ML', [...int(1, 4), ...bytes(2, bytes(1, text(1, 'image')))], /Core ML/, /ONNX/],
  ['Caffe', ascii('# AlexNet\nname: "AlexNet"\nlayer {\n}'), /Caffe/, /ONNX/],
  ['Caffe, older', ascii('input: "data"\ninput_dim: 1\nlayers {'), /Caffe/, /ONNX/],
  ['Darknet', ascii('[net]\nbatch=1\n'), /Darknet/, /ONNX/],
  ['Git LFS', ascii('version https://git-lfs.github.com/spec/v1\noid sha256:0'), /Git LFS/, /git lfs pull/],
  ['a web page', ascii('<!DOCTYPE html><html>'), /web page/, /onnx/],
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

  /** [the file's name, its first bytes, what the message says, what the hint says] */
  const halves: [string, number[], RegExp, RegExp][] = [
    [
      'face_model-weights_manifest.json',
      ascii('[{"weights":[{"name":"conv0/filters","shape":[3,3,3,32],"dtype":"float32"}]}]'),
      /weights_manifest/,
      /model\.json beside it/,
    ],
    ['group1-shard1of4', [1, 2, 3, 4, 5, 6, 7, 8], /weights without a network/, /model\.json/],
    ['group1-shard2of2.bin', [0x77, 2, 3, 4, 5, 6, 7, 8], /weights without a network/, /model\.json/],
    ['weights.bin', [0x77, 2, 3, 4, 5, 6, 7, 8], /weights without a network/, /model\.json/],
    ['model.onnx.data', [0x77, 2, 3, 4, 5, 6, 7, 8], /weights without a network/, /\.onnx file/],
    ['model.onnx_data', [0x77, 2, 3, 4, 5, 6, 7, 8], /weights without a network/, /\.onnx file/],
    ['variables.data-00000-of-00001', [0x77, 2, 3, 4, 5, 6, 7, 8], /weights without a network/, /SavedModel/],
    ['variables.index', [0x77, 2, 3, 4, 5, 6, 7, 8], /weights without a network/, /--saved-model/],
  ];
  it.each(halves)('half a model, %s: which file to open', async (name, head, message, hint) => {
    const error = await readModel(Uint8Array.from(head), { name }).catch((thrown: unknown) => thrown as UnpoolError);
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
