import { UnpoolError } from '../errors';

/** Formats that are recognised, so that the user is told what the file is and what to do with it. None is executed. */
interface Foreign {
  is(head: Uint8Array, text: string): boolean;
  what: string;
  hint: string;
}

const exportSnippet = `In Python: torch.onnx.export(model.eval(), torch.zeros(1, 3, 224, 224), "model.onnx", dynamic_axes={"input": {0: "N"}}, input_names=["input"])`;

const startsWith = (head: Uint8Array, ...bytes: number[]): boolean => bytes.every((byte, i) => head[i] === byte);

const foreign: Foreign[] = [
  {
    is: (head, text) => startsWith(head, 0x50, 0x4b) && (text.includes('data.pkl') || text.includes('archive/')),
    what: 'a PyTorch file (pickled). Unpool never runs code from a file, which opening it would do',
    hint: exportSnippet,
  },
  {
    is: (head) => head[0] === 0x80 && head[1]! >= 2 && head[1]! <= 5,
    what: 'a pickled Python object, perhaps an old PyTorch file. Unpool never runs code from a file',
    hint: exportSnippet,
  },
  {
    is: (head) => startsWith(head, 0x89, 0x48, 0x44, 0x46),
    what: 'an HDF5 file, perhaps a Keras model',
    hint: 'Convert it with tf2onnx, or in Keras 3: model.export("model.onnx", format="onnx").',
  },
  {
    is: (head, text) => startsWith(head, 0x50, 0x4b) && text.includes('config.json'),
    what: 'a Keras 3 model',
    hint: 'In Keras 3: model.export("model.onnx", format="onnx").',
  },
  {
    is: (_head, text) => text.slice(4, 8) === 'TFL3',
    what: 'a TensorFlow Lite model',
    hint: 'Convert it with tf2onnx (--tflite).',
  },
  {
    is: (_head, text) => /^.{8}\{"/s.test(text) && text.includes('"dtype"'),
    what: 'a safetensors file: weights without a network',
    hint: `Load it into its model and export that. ${exportSnippet}`,
  },
  {
    is: (_head, text) => /^\s*\{/.test(text) && /modelTopology|weightsManifest/.test(text),
    what: 'a TensorFlow.js model',
    hint: 'Convert the model that it was made from with tf2onnx.',
  },
  {
    is: (_head, text) => /^\s*(#.*\n\s*)*(name\s*:|layers?\s*\{|input\s*:)/.test(text),
    what: 'a Caffe network description',
    hint: 'Convert network and weights to ONNX.',
  },
  {
    is: (_head, text) => /^\s*(#.*\n\s*)*\[net(work)?\]/.test(text),
    what: 'a Darknet network description',
    hint: 'Convert network and weights to ONNX.',
  },
  {
    is: (head) => startsWith(head, 0x08, 0x01, 0x12),
    what: 'a TensorFlow SavedModel',
    hint: 'Convert its folder: python -m tf2onnx.convert --saved-model FOLDER --output model.onnx.',
  },
  {
    is: (head) => head[0] === 0x08 && head[2] === 0x12,
    what: 'a Core ML model',
    hint: 'Export the model that it was made from to ONNX.',
  },
  {
    is: (head) => startsWith(head, 0x50, 0x4b, 0x03, 0x04),
    what: 'a ZIP archive',
    hint: 'Unpack it: Unpool reads ONNX (.onnx).',
  },
  {
    is: (_head, text) => text.startsWith('version https://git-lfs'),
    what: 'a pointer of Git LFS, not the model itself',
    hint: 'Run git lfs pull where the file comes from.',
  },
];

/** The error for a file that is no model that this program reads. */
export function notReadable(head: Uint8Array): UnpoolError {
  const text = Array.from(head, (byte) => String.fromCharCode(byte)).join('');
  const known = foreign.find((each) => each.is(head, text));
  if (known) return new UnpoolError('foreign-model', `This is ${known.what}.`, { hint: known.hint });
  if (head.length === 0)
    return new UnpoolError('bad-model', 'The file is empty.', { hint: 'Export or fetch the model again.' });
  return new UnpoolError('bad-model', 'The file is not a model that Unpool reads.', {
    hint: 'Unpool reads ONNX (.onnx).',
  });
}
