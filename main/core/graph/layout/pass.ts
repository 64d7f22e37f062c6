import type { Analysis } from '../analyse';
import { Builder, capturedValues } from '../builder';
import { intAttribute, type Attribute, type Graph, type Node } from '../graph';
import { int64, sizeOf, type Tensor, transposeTensor } from '../tensor';
import type { Rows } from './rows';

/** A value of the graph as it was, by one of the graph as it becomes: old = transpose(name, perm). Null: as it was. */
export interface View {
  name: string;
  perm: readonly number[] | null;
}

/** A view's permutation from maps with channels first to maps with channels last: [0, 2, 3, 1] for rank 4. */
export const channelsLast = (rank: number): number[] => [
  0,
  ...Array.from({ length: rank - 2 }, (_, axis) => axis + 2),
  1,
];
export const identity = (rank: number): number[] => Array.from({ length: rank }, (_, axis) => axis);
export const inverse = (perm: readonly number[]): number[] => perm.map((_, axis) => perm.indexOf(axis));
export const isIdentity = (perm: readonly number[]): boolean => perm.every((axis, i) => axis === i);
export const samePerm = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((axis, i) => axis === b[i]);

export class LayoutPass {
  readonly builder: Builder;
  private readonly graph: Graph;
  private readonly analysis: Analysis;
  private readonly views = new Map<string, View>();
  /** Values that something needs under their own name and in their own layout: outputs, and what subgraphs read. */
  private readonly pinned: ReadonlySet<string>;
  private readonly rowsOf = new Map<string, Rows>();
  private readonly transposes = new Map<string, string>();

  constructor(graph: Graph, analysis: Analysis) {
    this.graph = graph;
    this.analysis = analysis;
    this.builder = new Builder(graph, false);
    this.pinned = new Set([...graph.outputs.map((output) => output.name), ...graph.nodes.flatMap(capturedValues)]);
  }

  /** The picture: an input with channels last, handed over with channels first. */
  start(picture: string): void {
    const input = this.graph.inputs.find(({ name }) => name === picture)!;
    const perm = channelsLast(input.shape!.length);
    const name = this.pinned.has(picture) ? this.builder.fresh(`${picture}:first`) : picture;
    this.builder.inputs = this.builder.inputs.map((each) =>
      each.name === picture ? { ...each, name, shape: inverse(perm).map((axis) => each.shape![axis]!) } : each,
    );
    this.views.set(picture, { name, perm });
    if (name !== picture) this.pin(picture, name, perm);
  }

  finish(): Graph {
    const { nodes, initializers, inputs } = this.builder;
    return new Builder({ ...this.graph, nodes, initializers, inputs }).build(this.graph.outputs);
  }

  view(name: string): View {
    const rows = this.rowsOf.get(name);
    if (rows && !this.views.has(name)) {
      // Something else than a dense layer reads the rows: they are written out.
      const last = this.transposed(rows.name, channelsLast(4));
      const target = this.builder.ints([-1, this.shape(name)!.at(-1)!]);
      this.views.set(name, { name: this.builder.add('Reshape', [last, target], {}, `${name}:rows`), perm: null });
    }
    return this.views.get(name) ?? { name, perm: null };
  }

  /** The map that a value stands for while it is rows. */
  rows(name: string): Rows | undefined {
    return this.rowsOf.get(name);
  }

  isPinned(name: string): boolean {
    return this.pinned.has(name);
  }

  startRows(name: string, rows: Rows): true {
    this.rowsOf.set(name, rows);
    return true;
  }

  /** The node on maps in place of rows. */
  emitRows(node: Node, rows: Rows, changed: Pick<Node, 'inputs'> & Partial<Node>): true {
    this.builder.addNode({ ...node, ...changed });
    return this.startRows(node.outputs[0]!, { ...rows, name: node.outputs[0]! });
  }

  /** The shape in the graph as it was. */
  shape(name: string): readonly number[] | undefined {
    return this.analysis.shape(name);
  }

  /** The values of an integer input (axes, pads), or undefined where they depend on something. */
  ints(name: string | undefined): number[] | undefined {
    const found = name ? this.analysis.constant(name) : undefined;
    return found && Array.from(found.data);
  }

  isConstant = (name: string): boolean => this.analysis.isConstant(name);
  tensor = (name: string): Tensor | undefined => this.builder.initializers.get(name);

  /** The first permutation among a node's inputs, or null where all are as they were. */
  permOf(node: Node): readonly number[] | null {
    return node.inputs.map((name) => this.view(name).perm).find((perm) => perm !== null) ?? null;
  }

  /** The value in its own layout. */
  plain(name: string): string {
    const { name: found, perm } = this.view(name);
    return perm ? this.transposed(found, perm) : found;
  }

  /** What the value is a transposition of: old = transpose(result, perm), after leading axes of 1. Null: rank unknown. */
  as(name: string, perm: readonly number[]): string | null {
    const view = this.view(name);
    const rank = view.perm?.length ?? this.shape(name)?.length;
    if (rank === undefined || rank > perm.length) return null;
    if (sizeOf(this.shape(name) ?? [0]) === 1 && rank < perm.length && !view.perm) return view.name;
    if (rank === perm.length) {
      const own = view.perm ?? identity(rank);
      return this.transposed(
        view.name,
        inverse(perm).map((axis) => own[axis]!),
      );
    }
    const lead = perm.length - rank;
    const lifted = this.lifted(this.plain(name), lead);
    return this.transposed(lifted, inverse(perm));
  }

  private lifted(name: string, lead: number): string {
    const tensor = this.tensor(name);
    if (!tensor) return this.builder.add('Unsqueeze', [name, this.builder.ints(identity(lead))], {}, `${name}:lifted`);
    const key = `${name}:lifted:${lead}`;
    if (!this.transposes.has(key)) {
      const dims = [...new Array<number>(lead).fill(1), ...tensor.dims];
      this.transposes.set(key, this.builder.constant({ ...tensor, dims }, `${name}:lifted`));
    }
    return this.transposes.get(key)!;
  }

  /** transpose(name, perm): written once, and done at once for constants. */
  transposed(name: string, perm: readonly number[]): string {
    if (isIdentity(perm)) return name;
    const key = `${name} ${perm.join()}`;
    let made = this.transposes.get(key);
    if (!made) {
      const tensor = this.tensor(name);
      made = tensor
        ? this.builder.constant(transposeTensor(tensor, perm), `${name}:layout`)
        : this.builder.add('Transpose', [name], { perm }, `${name}:layout`);
      this.transposes.set(key, made);
    }
    return made;
  }

  /** A vector with one entry per axis of the old value (sizes, scales) for its view: by a Gather where not constant. */
  vector(name: string, perm: readonly number[]): string {
    const order = inverse(perm);
    const tensor = this.tensor(name);
    if (!tensor) return this.builder.add('Gather', [this.plain(name), this.builder.ints(order)], { axis: 0 });
    return this.builder.constant(gatherTensor(tensor, order), `${name}:layout`);
  }

  /** The node as it is, on values in their own layouts. */
  keep(node: Node): void {
    const inputs = node.inputs.map((name) => (name ? this.plain(name) : ''));
    this.builder.addNode({ ...node, inputs });
  }

  /** The node on other inputs; its outputs are transpositions by `perm` of what it makes. */
  emit(
    node: Node,
    inputs: readonly string[],
    perm: readonly number[] | null,
    changed: Partial<Pick<Node, 'opType' | 'domain'>> & { attributes?: Readonly<Record<string, Attribute>> } = {},
  ): true {
    const moved = perm && !isIdentity(perm) ? perm : null;
    const outputs = node.outputs.map((name) =>
      moved && name && this.pinned.has(name) ? this.builder.fresh(`${name}:first`) : name,
    );
    this.builder.addNode({ ...node, ...changed, inputs, outputs });
    node.outputs.forEach((name, index) => {
      if (!moved || !name) return;
      this.views.set(name, { name: outputs[index]!, perm: moved });
      if (outputs[index] !== name) this.pin(name, outputs[index]!, moved);
    });
    return true;
  }

  /** No node: the output is a transposition of a value that is there. */
  rename(node: Node, name: string, perm: readonly number[]): true {
    const output = node.outputs[0]!;
    const moved = isIdentity(perm) ? null : perm;
    this.views.set(output, { name, perm: moved });
    if (this.pinned.has(output)) this.pin(output, name, moved);
    return true;
  }

  /** The value under its own name and in its own layout, for those that need it so. */
  private pin(output: string, name: string, perm: readonly number[] | null): void {
    if (perm) this.builder.addNode(plainNode('Transpose', name, output, { perm: { kind: 'ints', value: perm } }));
    else this.builder.addNode(plainNode('Identity', name, output));
  }
}

const plainNode = (
  opType: string,
  input: string,
  output: string,
  attributes: Record<string, Attribute> = {},
): Pick<Node, 'opType' | 'inputs' | 'outputs' | 'attributes'> => ({
  opType,
  inputs: [input],
  outputs: [output],
  attributes,
});

/** Picks elements of a one-dimensional constant. */
function gatherTensor(tensor: Tensor, order: readonly number[]): Tensor {
  const data = tensor.data.slice() as Tensor['data'];
  order.forEach((from, to) => (data[to] = tensor.data[from]!));
  return { ...tensor, data };
}

/** The target of a Reshape as constant or computed values, for a view: entries that copy an input's axis are spelled out. */
export function reshapeTarget(
  pass: LayoutPass,
  node: Node,
  to: readonly number[],
  perm: readonly number[] | null,
): string | null {
  const name = node.inputs[1]!;
  const given = pass.ints(name);
  if (!given || given.length !== to.length) return null;
  const zeros = intAttribute(node, 'allowzero', 0) === 1;
  const fixed = given.map((dim, axis) => (dim === 0 && axis > 0 && !zeros ? to[axis]! : dim));
  const changes = fixed.some((dim, axis) => dim !== given[axis]);
  if (!pass.isConstant(name) || !pass.tensor(name)) return changes ? null : perm ? pass.vector(name, perm) : name;
  const order = perm ? inverse(perm) : identity(fixed.length);
  return pass.builder.constant(
    int64(
      [fixed.length],
      order.map((axis) => fixed[axis]!),
    ),
    `${name}:layout`,
  );
}
