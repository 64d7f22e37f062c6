import { UnpoolError } from '../errors';

/** What is looked at of a file that no reader takes: its beginning, and of an archive the names in it. */
interface Content {
  head: Uint8Array;
  /** The beginning, one character for each byte. */
  text: string;
  /** Of a ZIP archive: the names of its files; null where it is none. */
  names: readonly string[] | null;
}

/** Formats that are recognised, so that the user is told what the file is and what to do with it. None is executed. */
interface Foreign {
  is(content: Content): boolean;
  what: string | ((content: Content) => string);
  hint: string | ((content: Content) => string);
}

const neverRun = 'Unpool never runs code from a file, which opening it would do';

const exportCall = (model: string, more = ''): string =>
  `torch.onnx.export(${model}, (torch.zeros(1, 3, 224, 224),), "model.onnx", input_names=["input"], dynamic_axes={"input": {0: "batch"}}${more})`;

/** For pickled weights or a pickled module: which of the two it is, the names in the pickle say. */
function pickleHint(content: Content): string {
  const module = moduleIn(content.text);
  const load = module
    ? `model = torch.load("FILE", map_location="cpu", weights_only=False)  # needs ${module}; only for files that you trust`
    : 'model = ...  # your network\nmodel.load_state_dict(torch.load("FILE", map_location="cpu"))';
  return `In Python, with 3, 224, 224 the size of your pictures:\nimport torch\n${load}\n${exportCall('model.eval()')}`;
}

/** The class of a pickled network, as "module.Class": pickles name it in plain letters. Null for a dictionary of weights. */
function moduleIn(text: string): string | null {
  for (const [, module, name] of text.matchAll(/c([A-Za-z_][\w.]*)\n([A-Za-z_]\w*)\n/g))
    if (
      !/^(collections|torch\._utils|torch|torch\.storage|numpy.*|builtins|__builtin__|_codecs|copyreg|copy_reg)$/.test(
        module!,
      )
    )
      return `${module}.${name}`;
  return null;
}

const exportFirst = (text: string): string => `${text} Then open the .onnx file.`;
const startsWith = (head: Uint8Array, ...bytes: number[]): boolean => bytes.every((byte, i) => head[i] === byte);
const has = ({ names }: Content, pattern: RegExp): boolean => names?.some((name) => pattern.test(name)) ?? false;

const foreign: readonly Foreign[] = [
  {
    is: (content) => has(content, /(^|\/)(archive_format|models\/.*\.json|serialized_exported_program\.json)$/),
    what: 'a network saved by torch.export',
    hint: `In Python:\nimport torch\nprogram = torch.export.load("FILE")\ntorch.onnx.export(program, (), "model.onnx", dynamo=True)`,
  },
  {
    is: (content) => has(content, /(^|\/)constants\.pkl$/) && has(content, /(^|\/)code\//),
    what: `a TorchScript model. It holds code; ${neverRun}`,
    hint: `In Python, with 3, 224, 224 the size of your pictures:\nimport torch\nmodel = torch.jit.load("FILE", map_location="cpu")\n${exportCall('model.eval()', ', dynamo=False')}`,
  },
  {
    is: (content) => has(content, /(^|\/)data\.pkl$/),
    what: (content) => `a PyTorch file (pickled${holding(content)}). ${neverRun}`,
    hint: pickleHint,
  },
  {
    // The magic number of torch.save before 1.6.
    is: ({ head, text }) =>
      (startsWith(head, 0x80, 2, 0x8a, 10) && text.startsWith('\x6c\xfc', 4)) || text.startsWith('././@PaxHeader'),
    what: (content) => `a PyTorch file of the old kind (pickled${holding(content)}). ${neverRun}`,
    hint: pickleHint,
  },
  {
    is: ({ head }) => head[0] === 0x80 && head[1]! >= 2 && head[1]! <= 5,
    what: `a pickled Python object, perhaps weights of PaddlePaddle or PyTorch. ${neverRun}`,
    hint: pickleHint,
  },
  {
    is: (content) => has(content, /(^|\/)Manifest\.json$/) && has(content, /com\.apple\.CoreML|\.mlmodel$/),
    what: 'a Core ML package',
    hint: exportFirst('Export the model that it was made from to ONNX: Core ML has no way back.'),
  },
  {
    is: (content) => has(content, /(^|\/)config\.json$/),
    what: 'perhaps a Keras 3 model, but without its weights',
    hint: exportFirst('In Keras 3: model.export("model.onnx", format="onnx").'),
  },
  {
    is: (content) => has(content, /\.npy$/),
    what: 'arrays of NumPy (.npz): weights without a network',
    hint: exportFirst('Load them into their network and export that to ONNX.'),
  },
  {
    is: ({ text }) => text.slice(4, 8) === 'TFL3',
    what: 'a TensorFlow Lite model',
    hint: exportFirst('Convert it: python -m tf2onnx.convert --tflite FILE --output model.onnx.'),
  },
  {
    is: ({ text }) => text.slice(4, 8) === 'ORTM',
    what: 'a model in the format of ONNX Runtime (.ort), optimised beyond recognition',
    hint: 'Open the .onnx file that it was made from.',
  },
  {
    is: ({ text }) => /^.{8}\{\s*"/s.test(text) && text.includes('"dtype"'),
    what: 'a safetensors file: weights without a network',
    hint: `In Python, with 3, 224, 224 the size of your pictures:\nimport torch\nfrom safetensors.torch import load_file\nmodel = ...  # your network; of timm: timm.create_model("NAME")\nmodel.load_state_dict(load_file("FILE"))\n${exportCall('model.eval()')}`,
  },
  {
    is: ({ text }) => text.startsWith('GGUF'),
    what: 'a GGUF file: a language model',
    hint: 'Unpool is for convolutional networks.',
  },
  {
    is: ({ text }) => /^\s*\[/.test(text) && text.includes('"weights"') && text.includes('"dtype"'),
    what: 'a list of weights of TensorFlow.js (weights_manifest.json), without the network that they belong to',
    hint: 'Open the model.json beside it. Where there is none (as of face-api.js), the network is written in the program that uses it: export that to ONNX.',
  },
  {
    is: ({ text }) => /^\s*\{/.test(text) && /modelTopology|weightsManifest/.test(text),
    what: 'a TensorFlow.js model',
    hint: 'Convert the model that it was made from with tf2onnx.',
  },
  {
    is: ({ text }) => /^\s*\{/.test(text) && text.includes('"nodes"') && /"op"\s*:\s*"null"/.test(text),
    what: 'the description of an MXNet network (symbol.json); its weights are in a .params file',
    hint: exportFirst(
      'In Python: mxnet.onnx.export_model("FILE-symbol.json", "FILE-0000.params", [(1, 3, 224, 224)], "float32", "model.onnx").',
    ),
  },
  {
    is: ({ head }) => startsWith(head, 0x12, 1, 0, 0, 0, 0, 0, 0),
    what: 'weights of an MXNet network (.params)',
    hint: exportFirst(
      'In Python: mxnet.onnx.export_model("FILE-symbol.json", "FILE-0000.params", [(1, 3, 224, 224)], "float32", "model.onnx").',
    ),
  },
  {
    is: ({ text }) => /^\s*\{/.test(text) && /"magic"\s*:\s*"pir"/.test(text),
    what: 'the description of a PaddlePaddle network',
    hint: paddleHint(),
  },
  {
    // A ProgramDesc: its first block, whose variables and ops are named in plain letters.
    is: ({ head, text }) =>
      head[0] === 0x0a && /\b(feed|fetch)\b/.test(text) && /conv2d|batch_norm|pool2d|feed/.test(text),
    what: 'a PaddlePaddle network (.pdmodel)',
    hint: paddleHint(),
  },
  {
    // Each tensor: version 0, no levels, version 0, then the length of its description.
    is: ({ head }) =>
      head.length > 20 && head.subarray(0, 16).every((byte) => byte === 0) && head[16]! > 0 && head[20] === 0x08,
    what: 'weights of a PaddlePaddle network (.pdiparams)',
    hint: paddleHint(),
  },
  {
    is: ({ text }) => /^\s*\{/.test(text) && text.includes('"class_name"'),
    what: 'the description of a Keras network, without weights',
    hint: exportFirst('In Keras 3, with the weights loaded: model.export("model.onnx", format="onnx").'),
  },
  {
    is: ({ text }) => /^\s*(#.*\n\s*)*(name\s*:|layers?\s*\{|input\s*:)/.test(text),
    what: 'a Caffe network description',
    hint: caffeHint(),
  },
  {
    // A NetParameter: its name, then layers (field 100, of old files field 2).
    is: ({ head, text }) => {
      const after = 2 + (head[1] ?? 0);
      const layers = startsWith(head.subarray(after), 0xa2, 6) || head[after] === 0x12;
      return head[0] === 0x0a && layers && /^[ -~]+$/.test(text.slice(2, after)) && /[Cc]onv|Data|Input/.test(text);
    },
    what: 'weights of a Caffe network (.caffemodel)',
    hint: caffeHint(),
  },
  {
    is: ({ text }) => /^\s*(#.*\n\s*)*\[net(work)?\]/.test(text),
    what: 'a Darknet network description',
    hint: darknetHint(),
  },
  {
    is: ({ head }) =>
      head.length >= 20 &&
      startsWith(head, 0, 0, 0, 0) &&
      head[4]! <= 2 &&
      startsWith(head.subarray(5), 0, 0, 0) &&
      head[8]! <= 5 &&
      startsWith(head.subarray(9), 0, 0, 0) &&
      head.subarray(0, 20).some((byte) => byte > 0),
    what: 'weights of a Darknet network (.weights)',
    hint: darknetHint(),
  },
  {
    is: ({ text }) => text.startsWith('7767517'),
    what: 'an ncnn network description',
    hint: exportFirst('Export the model that it was made from to ONNX.'),
  },
  {
    is: ({ text }) => /^\s*(<\?xml[^>]*>\s*)?<net\s/.test(text),
    what: 'an OpenVINO network description',
    hint: exportFirst('Export the model that it was made from to ONNX.'),
  },
  {
    is: ({ text }) => text.startsWith('ftrt') || text.startsWith('ptrt'),
    what: 'a TensorRT engine: compiled for one graphics card',
    hint: 'Open the .onnx file that it was made from.',
  },
  {
    is: ({ text }) => text.startsWith('MATLAB 5.0 MAT-file'),
    what: 'a MATLAB file',
    hint: exportFirst('In MATLAB: exportONNXNetwork(net, "model.onnx").'),
  },
  {
    is: ({ head }) => startsWith(head, 0x08, 0x01, 0x12),
    what: 'a TensorFlow SavedModel',
    hint: exportFirst('Convert its folder: python -m tf2onnx.convert --saved-model FOLDER --output model.onnx.'),
  },
  {
    // A NodeDef names its op in field 2.
    is: ({ head, text }) =>
      head[0] === 0x0a &&
      ['Placeholder', 'Const', 'NoOp'].some((op) => text.includes(String.fromCharCode(0x12, op.length) + op)),
    what: 'a frozen TensorFlow graph (GraphDef)',
    hint: exportFirst(
      'Convert it: python -m tf2onnx.convert --graphdef FILE --inputs INPUT:0 --outputs OUTPUT:0 --output model.onnx.',
    ),
  },
  {
    is: ({ head }) => head[0] === 0x08 && head[2] === 0x12,
    what: 'a Core ML model',
    hint: exportFirst('Export the model that it was made from to ONNX.'),
  },
  {
    is: ({ names }) => names !== null,
    what: 'a ZIP archive',
    hint: 'Unpack it: Unpool reads the model in it.',
  },
  {
    is: ({ head, text }) =>
      startsWith(head, 0x1f, 0x8b) || startsWith(head, 0x37, 0x7a, 0xbc, 0xaf) || text.slice(257, 262) === 'ustar',
    what: 'a packed archive',
    hint: 'Unpack it: Unpool reads the model in it.',
  },
  {
    is: ({ head }) => startsWith(head, 0x89, 0x50, 0x4e, 0x47) || startsWith(head, 0xff, 0xd8, 0xff),
    what: 'a picture',
    hint: 'Choose a model here, and the folder of pictures as the set of inputs.',
  },
  {
    is: ({ text }) => text.startsWith('\x93NUMPY'),
    what: 'an array of NumPy: numbers without a network',
    hint: exportFirst('Export the network to ONNX.'),
  },
  {
    is: ({ text }) => text.startsWith('version https://git-lfs'),
    what: 'a pointer of Git LFS, not the model itself',
    hint: 'Run git lfs pull where the file comes from.',
  },
  {
    is: ({ text }) => /^\s*<(!doctype html|html)/i.test(text),
    what: 'a web page, not a model: what was fetched is the page about it',
    hint: 'Fetch the file itself again; Unpool reads ONNX (.onnx).',
  },
];

function paddleHint(): string {
  return exportFirst(
    'Convert the folder: paddle2onnx --model_dir FOLDER --model_filename inference.pdmodel --params_filename inference.pdiparams --save_file model.onnx.',
  );
}

function caffeHint(): string {
  return exportFirst(
    'Convert network and weights to ONNX: python -m caffe2onnx.convert --prototxt NET --caffemodel WEIGHTS.',
  );
}

function darknetHint(): string {
  return exportFirst('Convert network (.cfg) and weights (.weights) to ONNX.');
}

function holding({ text }: Content): string {
  const module = moduleIn(text);
  return module ? `, a whole network: ${module}` : '';
}

const headLength = 4096;
/** Names of an archive are listed at its end; of more than fit in here, those that fit are enough to tell it by. */
const listLength = 1 << 20;

function namesOf(bytes: Uint8Array): string[] | null {
  if (!startsWith(bytes, 0x50, 0x4b, 3, 4)) return null;
  const names: string[] = [];
  const read = (at: number, length: number): void => {
    if (length > 0 && length < 1024) names.push(latin(bytes.subarray(at, at + length)));
  };
  const u16 = (at: number): number => (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8);
  read(30, u16(26));
  // Entries of the central directory: PK 1 2, the name's length at 28, the name at 46.
  for (let at = Math.max(0, bytes.length - listLength); at + 46 < bytes.length; at++)
    if (bytes[at] === 0x50 && bytes[at + 1] === 0x4b && bytes[at + 2] === 1 && bytes[at + 3] === 2) {
      read(at + 46, u16(at + 28));
      at += 45;
    }
  return names;
}

function latin(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}

/** Bare numbers are told by nothing but their name: parts of a model that is opened by another file. */
const parts: readonly { name: RegExp; what: string; hint: string }[] = [
  {
    name: /shard\d*(of\d+)?(\.bin)?$|^weights\.bin$|\.bin$/i,
    what: 'a file of weights without a network, as TensorFlow.js keeps beside its models',
    hint: 'Open the model.json that lies beside it (of OpenVINO, export the model that it was made from to ONNX).',
  },
  {
    name: /\.(data|onnx_data|onnx\.data|weights?)(-?\d+)?$|^weights?\.pb$|^onnx__|\.data-\d+-of-\d+$|\.index$/i,
    what: 'a file of weights without a network',
    hint: 'Open the .onnx file that it lies beside. A folder variables/ belongs to a SavedModel: convert that folder with python -m tf2onnx.convert --saved-model FOLDER --output model.onnx.',
  },
];

/** The error for a file that is no model that this program reads. `name` is the file's own, where it has one. */
export function notReadable(bytes: Uint8Array, name = ''): UnpoolError {
  const head = bytes.subarray(0, headLength);
  const content: Content = { head, text: latin(head), names: namesOf(bytes) };
  const known = foreign.find((each) => each.is(content));
  if (known) {
    const say = (part: Foreign['what']): string => (typeof part === 'string' ? part : part(content));
    return new UnpoolError('foreign-model', `This is ${say(known.what)}.`, { hint: say(known.hint) });
  }
  if (head.length === 0)
    return new UnpoolError('bad-model', 'The file is empty.', { hint: 'Export or fetch the model again.' });
  const part = parts.find(({ name: pattern }) => pattern.test(name));
  if (part) return new UnpoolError('foreign-model', `This is ${part.what}.`, { hint: part.hint });
  return new UnpoolError('bad-model', 'The file is not a model that Unpool reads.', {
    hint: 'Unpool reads ONNX (.onnx), Keras (.keras, .h5), TensorFlow.js (model.json) and PyTorch’s exported programs (.pt2).',
  });
}
