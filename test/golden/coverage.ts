import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import * as ort from 'onnxruntime-node';
import type { MethodChoice, ModelAudit } from '../../preload/contract';
import { readModel } from '../../main/core/formats/index';
import type { Graph } from '../../main/core/graph/graph';
import { auditNetwork } from '../../main/core/program/audit';
import { openNetwork } from '../../main/core/program/network';
import { createOrtRuntime, type Ort } from '../../main/core/runtime/ort';
import { readCase } from './cases';
import { modes, readPack, type Expected } from './differential';
import { families, impossible, merged, readFamily } from './kerasFamilies';

/** Writes docs/coverage.md from rule audits of the networks that the golden tests run, and from what they are compared with. */

const methods = ['deconvnet', 'guided', 'gradient'] as const;
type MethodName = (typeof methods)[number];
const runtime = createOrtRuntime(ort as unknown as Ort, { threads: 1 });

/** A network in one format, and whether its tests hold a method's reconstructions against another program's. */
interface Model {
  network: string;
  format: string;
  backward(method: MethodName): boolean;
  read(): Promise<Graph>;
}

/** The columns: what packs call a format, and what readers do. */
const formats: Record<string, string> = {
  old: 'ONNX, PyTorch’s older exporter',
  new: 'ONNX, PyTorch’s newer exporter',
  pt2: 'PyTorch .pt2',
  keras: 'Keras .keras',
  h5: 'Keras 2 .h5',
  'h5-keras3': 'Keras 3 .h5',
  tfjs: 'TensorFlow.js layers',
  'tfjs-graph': 'TensorFlow.js graph',
  onnx: 'ONNX by Keras',
  tf2onnx: 'ONNX by tf2onnx',
};
/** What keras.applications' functions are called in the papers. */
const titles: Record<string, string> = {
  convnext: 'ConvNeXt',
  densenet: 'DenseNet',
  efficientnet: 'EfficientNet',
  efficientnetv2: 'EfficientNet v2',
  inceptionv3: 'Inception v3',
  mobilenet: 'MobileNet v1',
  mobilenetv2: 'MobileNet v2',
  mobilenetv3: 'MobileNet v3',
  nasnet: 'NASNet',
  resnet50: 'ResNet-50',
  resnet50v2: 'ResNet v2',
  vgg16: 'VGG-16',
  xception: 'Xception',
};

/** Whether every layer has golden numbers for a method, in its rectifying and its deriving kind. */
function holds({ layers }: Expected, method: MethodName): boolean {
  const wanted = modes.flatMap((mode, m) => (mode.split('-')[0] === method ? [m] : []));
  return (
    layers.length > 0 &&
    layers.every(
      ({ units }) => units.length > 0 && units.every((unit) => wanted.every((m) => unit[5][m] !== undefined)),
    )
  );
}

function familyModels(): Model[] {
  const pack = readPack('families');
  const torch = pack.cases.flatMap((golden) =>
    Object.entries(golden.models).map(([exporter, segments]): Model => ({
      network: golden.name,
      format: exporter,
      backward: (method) => holds(golden, method),
      read: async () => readModel(pack.file(segments)),
    })),
  );
  const keras = families().flatMap((name) => {
    const { family, formats: written, read } = readFamily(name);
    return written.map((format): Model => ({
      network: titles[name] ?? name,
      format,
      backward: (method) => holds(family, method) && (method === 'gradient' || !merged(name, format)),
      read: () => read(format),
    }));
  });
  return [...torch, ...keras];
}

const formatOf: Record<string, string> = {
  '.onnx': 'ONNX',
  '.h5': 'Keras .h5',
  '.keras': 'Keras .keras',
  '.json': 'TensorFlow.js',
  '.pt2': 'PyTorch .pt2',
};

/** The small networks of a folder of fixtures: one to a folder, or files side by side. */
function smallModels(folder: string): Model[] {
  const root = path.join(import.meta.dirname, folder);
  if (!existsSync(root)) return [];
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).sort();
  return files.flatMap((file) => {
    const extension = path.extname(file);
    const format = formatOf[extension];
    if (!format || (extension === '.json' && path.basename(file) !== 'model.json')) return [];
    const place = path.join(root, file);
    const stem = path.basename(file, extension);
    const network = stem === 'model' ? path.basename(path.dirname(place)) : stem;
    const compared = folder === 'cases' ? readCase(path.dirname(place)).golden.methods : [];
    const read = async () =>
      readModel(readFileSync(place), { external: (name) => readFileSync(path.join(path.dirname(place), name)) });
    return [{ network, format, backward: (method: MethodName) => compared.includes(method), read }];
  });
}

/** Numbered remarks under a table. */
class Notes {
  readonly list: string[] = [];
  mark(text: string): string {
    if (!this.list.includes(text)) this.list.push(text);
    return `[${this.list.indexOf(text) + 1}]`;
  }
}

const rules: Record<string, string> = {
  gate: 'a gate (a factor that depends on the picture) is held and the signal rectified there, or both factors’ derivatives are taken',
  'smooth activation': 'the signal is rectified at smooth activations, or their derivative is taken',
};

/** What a method does with a network, and what that is held against. */
function cell({ rows, layers }: ModelAudit, backward: boolean, notes: Notes): string {
  const assumed = [...new Set(rows.filter((row) => row.assumed && row.refused === null).map((row) => row.role))].sort();
  const rule = assumed.map((role) => notes.mark(`By a stated rule: ${rules[role] ?? role}.`)).join('');
  const done = backward ? (rule ? `exact, by rule ${rule}` : 'exact') : `forward only${rule && `, by rule ${rule}`}`;
  const refused = layers.refused.length;
  if (refused === 0) return done;
  const reasons = new Map(
    rows.flatMap((row) => (row.refused === null ? [] : [[`${row.op}: ${row.refused}`, row.node] as const])),
  );
  const why = [...reasons].map(([reason, node]) => notes.mark(`Refused at ${reason} (node "${node}").`)).join('');
  const part = `${refused} of ${layers.exact + refused} layers refused ${why}`;
  return layers.exact ? `${done}; ${part}` : part;
}

async function cells(model: Model, notes: Notes): Promise<Record<MethodName, string>> {
  const opened = await openNetwork(await model.read(), { runtime });
  const of = (id: MethodName) => {
    const choice: MethodChoice = { id, leaky: 'strict', smooth: 'rectify' };
    return cell(auditNetwork(opened, choice), model.backward(id), notes);
  };
  return { deconvnet: of('deconvnet'), guided: of('guided'), gradient: of('gradient') };
}

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');

const remarks = ({ list }: Notes): string => list.map((text, i) => `- [${i + 1}] ${text}`).join('\n');

/** The methods that say the same of everything, together: one row each. */
function byMethod(of: (method: MethodName) => readonly string[]): string[][] {
  const rows = new Map<string, MethodName[]>();
  for (const method of methods) {
    const key = JSON.stringify(of(method));
    rows.set(key, [...(rows.get(key) ?? []), method]);
  }
  return [...rows].map(([key, same]) => [
    same.length === methods.length ? 'all' : same.join(', '),
    ...(JSON.parse(key) as string[]),
  ]);
}

async function familyTable(): Promise<string> {
  const notes = new Notes();
  const found = new Map<string, Record<MethodName, string>>();
  const names = new Set<string>();
  for (const model of familyModels()) {
    names.add(model.network);
    found.set(`${model.network} ${model.format}`, await cells(model, notes));
  }
  const cannot = Object.entries(impossible).flatMap(([name, list]) =>
    list.map((format) => `${titles[name]} ${format}`),
  );
  const text = (name: string, format: string, method: MethodName) =>
    found.get(`${name} ${format}`)?.[method] ??
    (cannot.includes(`${name} ${format}`)
      ? notes.mark('The exporter writes a file that nothing can run.')
      : 'not in the tests');
  const keys = Object.keys(formats);
  const rows = [...names].flatMap((name) =>
    byMethod((method) => keys.map((format) => text(name, format, method))).map((row) => [name, ...row]),
  );
  return `${table(['family', 'method', ...Object.values(formats)], rows)}\n\n${remarks(notes)}`;
}

async function smallTable(): Promise<string> {
  const notes = new Notes();
  const models = ['cases', 'keras', 'tfjs', 'pt2'].flatMap(smallModels);
  models.sort((a, b) => (a.network.toLowerCase() < b.network.toLowerCase() ? -1 : 1));
  const rows: string[][] = [];
  for (const model of models) {
    const of = await cells(model, notes);
    for (const row of byMethod((method) => [of[method]])) rows.push([model.network, model.format, ...row]);
  }
  return `${table(['network', 'format', 'method', ''], rows)}\n\n${remarks(notes)}`;
}

export async function coverage(): Promise<string> {
  return `# What is covered

Made by \`npm run coverage-table\` from rule audits (\`unpool audit MODEL\`) and from what the tests of test/golden compare; a test
fails where this page is out of date.

- **exact**: reconstructions and activations are within 1e-4 of those of an independent program (PyTorch’s autograd, TensorFlow’s
  gradient), at units in early, middle and deep layers, on the cone and on the whole picture. Every node on the way has a
  rule in the method’s own definition.
- **exact, by rule**: the same, but the paper has no rule for some nodes; what is done there is stated, offered as a choice, written on
  figures, and computed alike by the independent program.
- **forward only**: the network’s values are compared with its framework’s, not its reconstructions.
- **refused**: layers behind such a node have no reconstruction, with the reason; the others work.
- **not in the tests**: no network of this kind is there. It may work.

## Network families

With the topology of the literature, few channels, small pictures.

${await familyTable()}

## Small networks

${await smallTable()}
`;
}
