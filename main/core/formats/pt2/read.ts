import { UnpoolError } from '../../errors';
import { Builder } from '../../graph/builder';
import { Cut, distinct } from '../../graph/cut';
import { emptyGraph, type Dim, type Graph, type ValueInfo } from '../../graph/graph';
import type { Tensor } from '../../graph/tensor';
import { json, pickled, pt2Kind, unpack } from './archive';
import { Call } from './context';
import { parseProgram, type ExportedProgram } from './schema';
import { shapeOps } from './shapes';
import { valueOps } from './values';
import { readTensors, scalarTypes } from './weights';
import { windowOps, type Translate } from './windows';

const operations: Readonly<Record<string, Translate>> = { ...windowOps, ...valueOps, ...shapeOps };

/** Checks of the exporter's own, which compute nothing. */
const checks =
  /^torch\.ops\.aten\.(_assert_scalar|_assert_async|_assert_tensor_metadata|sym_constrain_range)|^_operator\.(ge|le|eq|lt|gt|ne)$/;

/**
 * Reads an archive of torch.export: its graph is JSON and its weights are plain bytes, so that nothing is executed. Archives
 * whose weights are pickled are refused. Throws UnpoolError naming node or field.
 */
export function readPt2(bytes: Uint8Array): Graph {
  if (pt2Kind(bytes) === 'pickled')
    throw pickled('This is a PyTorch export archive of an older torch, with pickled weights.');
  const files = unpack(bytes);
  const models = [...files.keys()].flatMap((name) => /^models\/([^/]+)\.json$/.exec(name)?.[1] ?? []);
  const [model] = models;
  if (model === undefined || models.length > 1)
    throw new UnpoolError('bad-model', `The archive holds ${models.length} models; one is needed.`, {
      hint: 'Save one model with torch.export.save.',
      place: { field: 'models' },
    });
  if (files.has('byteorder') && String.fromCharCode(...files.get('byteorder')!) !== 'little')
    throw new UnpoolError('bad-model', 'The weights are big-endian, which this program does not read.');
  const file = `models/${model}.json`;
  const program = parseProgram(json(files, file), file);
  const tensors = new Map([...readTensors(files, model, 'weights'), ...readTensors(files, model, 'constants')]);
  return translate(program, tensors);
}

function translate(
  { graph_module: { graph, signature } }: ExportedProgram,
  tensors: ReadonlyMap<string, Tensor>,
): Graph {
  const values = new Map<string, string>();
  const initializers = new Map<string, Tensor>();
  const inputs: ValueInfo[] = [];
  for (const spec of signature.input_specs) {
    if ('user_input' in spec) {
      const name = spec.user_input.arg.as_tensor?.name;
      if (name === undefined) continue; // a Python number, which is in the graph already
      const meta = graph.tensor_values[name];
      const shape = meta?.sizes.map((size): Dim => ('as_int' in size ? size.as_int : null)) ?? null;
      inputs.push({ name, type: scalarTypes[meta?.dtype ?? 7] ?? 'float32', shape });
      values.set(name, name);
      continue;
    }
    const [kind, held] = Object.entries(spec)[0] as [string, { arg: { name: string } } & Record<string, unknown>];
    const name = String(held[`${kind}_name`]);
    const tensor = tensors.get(name);
    if (!tensor)
      throw new UnpoolError('bad-tensor', `The ${kind} "${name}" is not in the archive.`, { place: { field: name } });
    initializers.set(name, tensor);
    values.set(held.arg.name, name);
  }
  const builder = new Builder({ ...emptyGraph('PyTorch'), inputs, initializers });
  const cut = new Cut((name: string) => name);
  for (const node of graph.nodes) {
    if (checks.test(node.target)) continue;
    const call = new Call(node, builder, values, graph.tensor_values);
    const inPlace = /[^_]_$/.test(call.op);
    const op = inPlace ? call.op.slice(0, -1) : call.op;
    // What was changed in place is what later nodes read under the old name, too.
    const changed = inPlace && node.inputs[0]?.arg.as_tensor?.name;
    const made = [...call.outputNames(), ...(changed ? [changed] : [])];
    const read = call.inputNames();
    if (cut.behind(made, read)) continue;
    for (const name of read) if (!values.has(name)) throw call.missing(name);
    try {
      const operation = Object.hasOwn(operations, op) ? operations[op] : undefined;
      if (!operation) throw call.fail('is an operation that is not known', throughOnnx);
      const results = [operation(call)].flat();
      call.outputNames().forEach((name, index) => index < results.length && values.set(name, results[index]!));
      if (changed) values.set(changed, results[0]!);
    } catch (error) {
      if (!(error instanceof UnpoolError && error.code === 'bad-node')) throw error;
      cut.at(made, read, error);
    }
  }
  const outputs = signature.output_specs.flatMap((spec): ValueInfo[] => {
    const name = spec.user_output?.arg.as_tensor?.name;
    if (name === undefined || cut.has(name)) return [];
    const value = values.get(name);
    if (value === undefined)
      throw new UnpoolError('bad-model', `The output "${name}" is not in the graph.`, { place: { field: name } });
    return [{ name: value, type: scalarTypes[graph.tensor_values[name]?.dtype ?? 7] ?? null, shape: null }];
  });
  if (cut.errors.length === 0) return builder.build(outputs);
  const ends = cut.ends.flatMap((name): ValueInfo[] => {
    const computed = builder.nodes.some((node) => node.outputs.includes(values.get(name) ?? ''));
    const type = scalarTypes[graph.tensor_values[name]?.dtype ?? 0];
    return computed && type?.startsWith('float') ? [{ name: values.get(name)!, type, shape: null }] : [];
  });
  if (outputs.length + ends.length === 0) throw cut.errors[0]!;
  return { ...builder.build(distinct([...outputs, ...ends])), notes: cut.notes() };
}

const throughOnnx = 'Export the model to ONNX: torch.onnx.export(..., dynamo=True).';
