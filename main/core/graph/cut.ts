import type { UnpoolError } from '../errors';
import { Builder, capturedValues } from './builder';
import type { Graph, ValueInfo } from './graph';

/**
 * The part of a model that is left out: what cannot be computed here, and all that lies behind. What it reads from outside
 * becomes an output, so that the layers before it work. `Ref` is how a value is read, `nameOf` what is asked for by that.
 */
export class Cut<Ref = string> {
  readonly names = new Set<string>();
  /** What the part reads from outside. */
  readonly ends: Ref[] = [];
  readonly errors: UnpoolError[] = [];
  private readonly nameOf: (ref: Ref) => string;

  constructor(nameOf: (ref: Ref) => string) {
    this.nameOf = nameOf;
  }

  /** Leaves out what makes these names, for a reason (null: for one that was given before). */
  at(made: readonly string[], read: readonly Ref[], error: UnpoolError | null): void {
    if (error) this.errors.push(error);
    this.add(made, read);
  }

  /** Whether something reads from the part, and so belongs to it. */
  behind(made: readonly string[], read: readonly Ref[]): boolean {
    const is = read.some((ref) => this.has(ref));
    if (is) this.add(made, read);
    return is;
  }

  has = (ref: Ref): boolean => this.names.has(this.nameOf(ref));

  private add(made: readonly string[], read: readonly Ref[]): void {
    for (const name of made) this.names.add(name);
    this.ends.push(...read.filter((ref) => !this.has(ref)));
  }

  notes = (): string[] => leftOut(this.errors);
}

const opening = 'Left out, with all that lies behind: ';
export const isLeftOut = (note: string): boolean => note.startsWith(opening);

/** What is said of parts that are left out; nothing where there are none. Of nodes with the same reason the first is named. */
export function leftOut(errors: readonly Pick<UnpoolError, 'message' | 'place'>[]): string[] {
  const most = 4;
  if (errors.length === 0) return [];
  const kinds = new Map<string, { message: string; name: string; count: number }>();
  for (const { message, place } of errors) {
    const name = `"${place.node ?? ''}"`;
    const kind = message.replace(name, '');
    const known = kinds.get(kind);
    if (known) known.count++;
    else kinds.set(kind, { message, name, count: 1 });
  }
  const reasons = Array.from(kinds.values(), ({ message, name, count }) =>
    (count > 1 ? message.replace(name, () => `${name} (and ${count - 1} more)`) : message).replace(/\.$/, ''),
  );
  const said = reasons.slice(0, most);
  const more = reasons.length > most ? `, and ${reasons.length - most} more` : '';
  return [`${opening}${said.join('; ')}${more}. The layers before work.`];
}

/** Outputs without those that are named twice. */
export const distinct = (outputs: readonly ValueInfo[]): ValueInfo[] =>
  outputs.filter(({ name }, i) => outputs.findIndex((output) => output.name === name) === i);

const channelCounts = [1, 3, 4];

/**
 * Of a graph with several inputs of which one is a picture (the others: a memory, a threshold, a second kind of data) the
 * part that is computed from the picture alone, with a note; the graph itself where there is one input, or no telling.
 */
export function pictureAlone(graph: Graph): { graph: Graph; notes: string[] } {
  const used = new Set(graph.nodes.flatMap((node) => [...node.inputs, ...capturedValues(node)]));
  const inputs = graph.inputs.filter((input) => used.has(input.name));
  const channels = ({ shape }: ValueInfo): number[] =>
    shape?.length === 4 ? [shape[1], shape[3]].filter((dim): dim is number => channelCounts.includes(Number(dim))) : [];
  const pictures = inputs.filter((input) => channels(input).length > 0);
  const coloured = pictures.filter((input) => channels(input).includes(3));
  const [picture, second] = pictures.length === 1 ? pictures : coloured;
  if (inputs.length < 2 || !picture || second) return { graph, notes: [] };
  const cut = new Cut((name: string) => name);
  for (const { name } of inputs) if (name !== picture.name) cut.names.add(name);
  const others = [...cut.names];
  const carrying = new Set([picture.name]);
  for (const node of graph.nodes) {
    const read = [...node.inputs.filter(Boolean), ...capturedValues(node)];
    if (!cut.behind(node.outputs, read) && read.some((name) => carrying.has(name)))
      node.outputs.forEach((name) => carrying.add(name));
  }
  carrying.delete(picture.name);
  const ends = cut.ends.map((name): ValueInfo => ({ name, type: 'float32', shape: null }));
  const outputs = distinct([...graph.outputs, ...ends].filter(({ name }) => carrying.has(name)));
  if (outputs.length === 0) return { graph, notes: [] };
  return {
    graph: new Builder(graph).build(outputs),
    notes: leftOut([
      {
        message: `what needs more than the picture "${picture.name}" (the model has ${others.length === 1 ? 'another input' : 'other inputs'}: ${others.join(', ')})`,
        place: {},
      },
    ]),
  };
}
