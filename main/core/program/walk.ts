import type { AuditRow, RuleRow } from '../../../preload/contract';
import { UnpoolError } from '../errors';
import type { Analysis } from '../graph/analyse';
import type { Builder } from '../graph/builder';
import { describeNode, type Node } from '../graph/graph';
import { MissingRule, type Method, type Rule } from '../methods/method';
import { opOf } from '../ops/index';
import { roleOf, type Op, type Role } from '../ops/op';

const roleWords: Record<Role, string> = {
  linear: 'filter',
  rectifier: 'rectifier',
  smooth: 'smooth activation',
  gate: 'gate',
  select: 'pool with switches',
  normalise: 'contrast normalisation',
  squash: 'no rule in the paper',
  shape: 'moves values',
};

/** A method has no rule for a node on the way from the unit to the picture. Never passed over in silence. */
export class RefusedError extends UnpoolError {
  readonly reason: string;
  constructor(node: Node, method: Method, reason: string) {
    super('refused', `${describeNode(node)} cannot be walked back through by the ${method.label}: ${reason}.`, {
      hint: 'Layers before it work. Choose one of those, or another method.',
      place: { node: node.name || node.outputs[0] || node.opType },
    });
    this.reason = reason;
  }
}

type Permitted = { op: Op; role: Role; rule: Exclude<Rule, { refuse: string }> };

function permit(node: Node, analysis: Analysis, method: Method): Permitted {
  const op = opOf(node);
  if (!op) throw new RefusedError(node, method, 'this program does not know the op');
  const role = roleOf(op, node, analysis.onPath);
  const rule = method.rules[role];
  const reason = analysis.open.get(node) ?? op.refuses?.(node, analysis, analysis.onPath) ?? null;
  if (reason) throw new RefusedError(node, method, reason);
  if ('refuse' in rule) throw new RefusedError(node, method, rule.refuse);
  return { op, role, rule };
}

/**
 * The nodes between the picture and a value, the nearest to the value first. With a method: those that the signal comes
 * through on its way back (a held gate is a place where it does not go on into every input).
 */
export function pathNodes(nodes: readonly Node[], analysis: Analysis, tap: string, method?: Method): Node[] {
  const reached = new Set([tap]);
  const path: Node[] = [];
  for (let i = nodes.length - 1; i >= 0; i--) {
    const node = nodes[i]!;
    if (!node.outputs.some((name) => reached.has(name) && analysis.onPath(name))) continue;
    path.push(node);
    const enters = method ? entersAt(node, analysis, method) : () => true;
    node.inputs.forEach((name, index) => {
      if (name && analysis.onPath(name) && enters(index)) reached.add(name);
    });
  }
  return path;
}

/** Which inputs of a node the signal goes on into, by their places. */
export function entersAt(node: Node, analysis: Analysis, method: Method): (input: number) => boolean {
  const op = opOf(node);
  const rule = op && method.rules[roleOf(op, node, analysis.onPath)];
  const into = rule && 'into' in rule ? rule.into?.(op, node, analysis) : undefined;
  return (input) => (into === undefined ? !op?.decides?.includes(input) : into === input);
}

/** What a method does at one node, or why it refuses. `assumed`: the paper has no rule there, this program's choice is used. */
export function ruleAt(
  node: Node,
  analysis: Analysis,
  method: Method,
): Pick<AuditRow, 'node' | 'op' | 'value' | 'role' | 'rule' | 'refused' | 'assumed'> {
  const op = opOf(node);
  const role = op && roleOf(op, node, analysis.onPath);
  const rule = role && method.rules[role];
  const row = {
    node: node.name || node.outputs[0]!,
    op: node.opType,
    value: node.outputs[0]!,
    role: op && role ? wordsOf(op, role)[0] : 'not known',
    assumed: rule !== undefined && 'assumed' in rule,
  };
  try {
    return { ...row, rule: ruleText(node, analysis, permit(node, analysis, method)), refused: null };
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error;
    return { ...row, rule: '', refused: error.reason };
  }
}

/** Roles that the paper says nothing of. */
export const isAssumed = (role: Role): boolean => role === 'smooth' || role === 'gate';

/** What a node is, and what is done there where its op has words of its own for that. */
const wordsOf = (op: Op, role: Role): readonly [is: string, back?: string] =>
  (role === 'linear' && op.words) || [roleWords[role]];

function ruleText(node: Node, analysis: Analysis, { op, role, rule }: Permitted): string {
  const note = op.note?.(node, analysis);
  const text = wordsOf(op, role)[1] ?? rule.text;
  return note ? `${text} (${note})` : text;
}

/** What a method does at each node from the unit down to the pixels; throws RefusedError at the first without a rule. */
export function audit(nodes: readonly Node[], analysis: Analysis, tap: string, method: Method): RuleRow[] {
  return pathNodes(nodes, analysis, tap, method).map((node) => {
    const permitted = permit(node, analysis, method);
    return {
      node: node.name || node.outputs[0]!,
      op: node.opType,
      role: wordsOf(permitted.op, permitted.role)[0],
      rule: ruleText(node, analysis, permitted),
    };
  });
}

/**
 * Appends the walk back from the value `tap` to the value `picture` to a forward graph: ordinary nodes, by each op's
 * adjoint and the method's rule for its role. `seed` is the signal at the tap, of the tap's shape. Returns the signal at
 * the picture (which may be any value that the tap is made from). Signals that meet add.
 */
export function walkBack(
  builder: Builder,
  analysis: Analysis,
  method: Method,
  ends: { tap: string; seed: string; picture: string },
): string {
  const forward = [...builder.nodes];
  // Where it ends at a value between: only what is made from that.
  const behind = new Set([ends.picture]);
  for (const node of forward)
    if (node.inputs.some((name) => behind.has(name))) node.outputs.forEach((name) => behind.add(name));
  const pending = new Map<string, string[]>([[ends.tap, [ends.seed]]]);
  const total = (value: string): string | undefined => {
    const [head, ...rest] = pending.get(value) ?? [];
    return rest.reduce((sum, next) => builder.add('Add', [sum!, next], {}, `${value}:signal`), head);
  };
  for (let i = forward.length - 1; i >= 0; i--) {
    const node = forward[i]!;
    if (!node.outputs.some((name) => pending.has(name))) continue;
    const { op, rule } = permit(node, analysis, method);
    const signals = node.outputs.map((name) => total(name) ?? null);
    if (!op.several && signals.slice(1).some(Boolean))
      throw new RefusedError(node, method, 'another output than its first carries signal');
    const signal = signals[0] ?? '';
    let contributions: (string | null)[];
    try {
      contributions = rule.apply(op, { node, builder, known: analysis, signal, signals, onPath: analysis.onPath });
    } catch (error) {
      if (error instanceof MissingRule || error instanceof RangeError)
        throw new RefusedError(node, method, error.message);
      throw error;
    }
    node.inputs.forEach((name, index) => {
      const contribution = contributions[index];
      if (contribution && analysis.onPath(name) && behind.has(name))
        pending.set(name, [...(pending.get(name) ?? []), contribution]);
    });
  }
  const result = total(ends.picture);
  if (result === undefined)
    throw new UnpoolError('no-path', `"${ends.tap}" does not depend on the picture.`, { place: { node: ends.tap } });
  return result;
}
