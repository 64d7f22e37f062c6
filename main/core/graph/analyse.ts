import { UnpoolError } from '../errors';
import { fromTensor, type Nd } from '../ops/nd';
import { opOf } from '../ops/index';
import { NotKnown, type Known, type Shape } from '../ops/op';
import { capturedValues } from './builder';
import { describeNode, type Graph, type Node } from './graph';
import { sizeOf } from './tensor';

/** Constants up to this many elements are evaluated (shapes, axes, slopes); weights are only known to be constant. */
const smallConstant = 4096;
/** Ops of two inputs that would take one for both. */
const binary = new Set(['Add', 'And', 'Div', 'Equal', 'Greater', 'Less', 'Mul', 'Or', 'Pow', 'PRelu', 'Sub', 'Xor']);
/** Ops whose first input is not a map but numbers that their shape follows from. */
const byNumbers = new Set(['ConstantOfShape', 'Range']);
/** More axes than any network has: an axis from a damaged file can be any number. */
const highestRank = 32;

export interface Analysis extends Known {
  /** Whether the value carries what is in the picture (not merely its shape). */
  onPath(value: string): boolean;
  /** Nodes whose output shapes nobody knows: not known to this program or computed from the picture, and not given. */
  unknown: Node[];
  /** Of nodes whose shapes or attributes are computed from the picture: what is not known, in words. */
  open: ReadonlyMap<Node, string>;
  producer(value: string): Node | undefined;
  consumers(value: string): readonly Node[];
}

/**
 * Shapes and constants of every value of a graph whose inputs have these shapes. `given` are shapes known from elsewhere
 * (the file, a trial run); `carriers` the inputs that carry the picture (all, if left out). Throws UnpoolError naming the
 * node where inputs do not fit.
 */
export function analyse(
  graph: Graph,
  inputs: ReadonlyMap<string, Shape>,
  given: ReadonlyMap<string, Shape> = new Map(),
  carriers: readonly string[] = graph.inputs.map((input) => input.name),
): Analysis {
  const shapes = new Map<string, Shape>(inputs);
  const constants = new Map<string, Nd>();
  const fixed = new Set<string>();
  const path = new Set<string>(carriers);
  const producers = new Map<string, Node>();
  const consumers = new Map<string, Node[]>();
  const unknown: Node[] = [];
  const open = new Map<Node, string>();
  for (const [name, tensor] of graph.initializers) {
    shapes.set(name, tensor.dims);
    fixed.add(name);
    if (sizeOf(tensor.dims) <= smallConstant && tensor.type !== 'string') constants.set(name, fromTensor(tensor));
  }
  const analysis: Analysis = {
    shape: (value) => shapes.get(value),
    constant: (value) => constants.get(value),
    isConstant: (value) => fixed.has(value),
    onPath: (value) => path.has(value),
    unknown,
    open,
    producer: (value) => producers.get(value),
    consumers: (value) => consumers.get(value) ?? [],
  };
  const asGiven = (node: Node): void => {
    node.outputs.forEach((name) => given.has(name) && shapes.set(name, given.get(name)!));
    if (!node.outputs.every((name) => !name || given.has(name))) unknown.push(node);
  };
  for (const node of graph.nodes) {
    const real = [...node.inputs.filter(Boolean), ...capturedValues(node)];
    for (const name of new Set(real)) consumers.set(name, [...(consumers.get(name) ?? []), node]);
    for (const name of node.outputs) producers.set(name, node);
    const op = opOf(node);
    const values = node.inputs.map((name) => (name ? constants.get(name) : undefined));
    const isShape = ['Shape', 'Size', 'ConstantOfShape'].includes(node.opType);
    if (!isShape && real.some((name) => path.has(name))) node.outputs.forEach((name) => path.add(name));
    if (real.every((name) => fixed.has(name)) && real.length > 0) node.outputs.forEach((name) => fixed.add(name));
    try {
      if (!op) {
        asGiven(node);
        continue;
      }
      if (binary.has(node.opType) && (!node.inputs[0] || !node.inputs[1])) throw new RangeError('it needs two inputs');
      const inputShapes = node.inputs.map((name) => (name ? shapes.get(name) : undefined));
      if (real.some((name) => !shapes.has(name))) continue; // behind a node that nobody knows
      op.shapes(node, inputShapes, analysis).forEach((shape, index) => {
        const name = node.outputs[index];
        if (shape.length > highestRank || shape.some((dim) => !Number.isSafeInteger(dim) || dim < 0))
          throw new RangeError('its attributes ask for an impossible shape');
        if (name) shapes.set(name, shape);
      });
      const size = sizeOf(shapes.get(node.outputs[0]!) ?? []);
      if (node.opType === 'Shape' || node.opType === 'Size')
        constants.set(node.outputs[0]!, op.evaluate(node, [{ dims: inputShapes[0]!, data: noData, type: 'int' }])[0]!);
      else if (size <= smallConstant && node.inputs.every((name, index) => !name || values[index]))
        op.evaluate(node, values).forEach((value, index) => {
          const name = node.outputs[index];
          if (name) constants.set(name, value);
        });
    } catch (error) {
      const computed = node.inputs.some(
        (name, index) => name && !values[index] && (index > 0 || byNumbers.has(node.opType)),
      );
      if (error instanceof NotKnown && computed) {
        open.set(node, error.message);
        asGiven(node);
        continue;
      }
      // Ops take it that their inputs and attributes are there: where one is not, that is what a TypeError says.
      if (!(error instanceof RangeError || error instanceof TypeError)) throw error;
      const why =
        error instanceof RangeError ? error.message : 'an input or an attribute is missing or of another kind';
      throw new UnpoolError('bad-node', `${describeNode(node)} cannot work: ${why}.`, {
        hint: 'The model contradicts itself there, or it wants another input size.',
        place: { node: node.name || node.outputs[0] || node.opType },
        cause: error,
      });
    }
  }
  return analysis;
}

const noData = new Float64Array(0);
