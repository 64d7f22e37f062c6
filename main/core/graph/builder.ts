import type { Attribute, Graph, Node, ValueInfo } from './graph';
import { int64, type Tensor } from './tensor';

type Plain = number | string | readonly number[];

/** Attributes from plain values: integers, float for numbers with a fraction unless given as { float }. */
export function attributes(
  plain: Readonly<Record<string, Plain | { float: number } | undefined>>,
): Record<string, Attribute> {
  const out: Record<string, Attribute> = {};
  for (const [name, value] of Object.entries(plain)) {
    if (value === undefined) continue;
    if (typeof value === 'number') out[name] = { kind: 'int', value };
    else if (typeof value === 'string') out[name] = { kind: 'string', value };
    else if ('float' in value) out[name] = { kind: 'float', value: value.float };
    else out[name] = { kind: 'ints', value };
  }
  return out;
}

/** Appends nodes to a graph. Names that it makes never meet names that are there. */
export class Builder {
  readonly nodes: Node[];
  readonly initializers: Map<string, Tensor>;
  inputs: ValueInfo[];
  private readonly taken = new Set<string>();
  private readonly integers = new Map<string, string>();
  private readonly base: Graph;
  private counter = 0;

  constructor(base: Graph, keepNodes = true) {
    this.base = base;
    this.nodes = keepNodes ? [...base.nodes] : [];
    this.initializers = new Map(base.initializers);
    this.inputs = [...base.inputs];
    for (const input of base.inputs) this.taken.add(input.name);
    for (const name of base.initializers.keys()) this.taken.add(name);
    for (const node of base.nodes) for (const name of node.outputs) this.taken.add(name);
  }

  fresh(hint: string): string {
    let name = hint;
    while (this.taken.has(name)) name = `${hint}~${++this.counter}`;
    this.taken.add(name);
    return name;
  }

  /** Adds a node with one output and returns the output's name. */
  add(opType: string, inputs: readonly string[], plain: Parameters<typeof attributes>[0] = {}, hint = opType): string {
    return this.addNode({ opType, inputs, attributes: attributes(plain), outputs: [this.fresh(hint)] }).outputs[0]!;
  }

  addNode(node: Pick<Node, 'opType' | 'inputs' | 'attributes' | 'outputs'> & Partial<Node>): Node {
    const whole: Node = { name: this.fresh(`${node.outputs[0]}:${node.opType}`), domain: '', ...node };
    this.nodes.push(whole);
    for (const name of whole.outputs) this.taken.add(name);
    return whole;
  }

  /** A reduction over axes, kept as ones: their place in the node changed with the opset. */
  reduce(opType: 'ReduceMean' | 'ReduceMax' | 'ReduceSum', x: string, axes: readonly number[], keepdims = 1): string {
    const asInput = opType === 'ReduceSum' || (this.base.opsets.get('') ?? 17) >= 18;
    return asInput ? this.add(opType, [x, this.ints(axes)], { keepdims }) : this.add(opType, [x], { axes, keepdims });
  }

  /** Replaces a node by one with the same first output, for example to ask a pool for its indices. */
  replace(old: Node, node: Node): void {
    const at = this.nodes.indexOf(old);
    if (at < 0) throw new Error(`${old.name} is not in the graph`);
    this.nodes[at] = node;
    for (const name of node.outputs) this.taken.add(name);
  }

  constant(tensor: Tensor, hint: string): string {
    const name = this.fresh(hint);
    this.initializers.set(name, tensor);
    return name;
  }

  /** A one-dimensional int64 constant (shapes, axes); equal ones are shared. */
  ints(values: readonly number[]): string {
    const key = values.join(',');
    let name = this.integers.get(key);
    if (name === undefined) {
      name = this.constant(int64([values.length], values), `ints:${key}`);
      this.integers.set(key, name);
    }
    return name;
  }

  scalar(value: number): string {
    return this.constant({ type: 'float32', dims: [], data: Float32Array.of(value) }, `scalar:${value}`);
  }

  input(info: ValueInfo): string {
    this.taken.add(info.name);
    this.inputs.push(info);
    return info.name;
  }

  /** The graph with these outputs and only what they need. Opset 17, so that every op that we emit is defined. */
  build(outputs: readonly ValueInfo[]): Graph {
    const needed = new Set(outputs.map((output) => output.name));
    const nodes: Node[] = [];
    for (let i = this.nodes.length - 1; i >= 0; i--) {
      const node = this.nodes[i]!;
      if (!node.outputs.some((name) => needed.has(name))) continue;
      nodes.push(node);
      for (const name of node.inputs) if (name) needed.add(name);
      for (const name of capturedValues(node)) needed.add(name);
    }
    nodes.reverse();
    return {
      ...this.base,
      nodes,
      inputs: this.inputs.filter((input) => needed.has(input.name)),
      outputs,
      initializers: new Map([...this.initializers].filter(([name]) => needed.has(name))),
      values: [],
    };
  }
}

/** Values of the outer graph that a node's subgraphs (If, Loop) read. */
export function capturedValues(node: Node): string[] {
  const out: string[] = [];
  for (const attribute of Object.values(node.attributes)) {
    const graphs = attribute.kind === 'graph' ? [attribute.value] : attribute.kind === 'graphs' ? attribute.value : [];
    for (const graph of graphs)
      for (const inner of graph.nodes) {
        out.push(...inner.inputs.filter(Boolean), ...capturedValues(inner));
      }
    for (const graph of graphs) out.push(...graph.outputs.map((output) => output.name));
  }
  return out;
}
