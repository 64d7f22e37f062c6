import type { Contributions, Op, Role, Step } from '../ops/op';

/** What a method does with one role: words for the list of rules, and the nodes that it appends. */
export type Rule = { text: string; apply(op: Op, step: Step): Contributions } | { refuse: string };

/** A walk back: one rule per role. A role without a rule does not compile; a rule that refuses says why. */
export interface Method {
  id: string;
  /** As it stands on figures, with its choices. */
  label: string;
  rules: Record<Role, Rule>;
}

export const adjoint = (text: string): Rule => ({
  text,
  apply(op, step) {
    if (!op.adjoint) throw new MissingRule(`${step.node.opType} has no adjoint in this program`);
    return op.adjoint(step);
  },
});

export const through: Rule = {
  text: 'passed straight through',
  apply: (_op, { node, signal }) => node.inputs.map((_, i) => (i === 0 ? signal : null)),
};

/** For rectifiers: the signal to send on. */
export const rectifier = (text: string, signalOf: (op: Op, step: Step) => string): Rule => ({
  text,
  apply: (op, step) => step.node.inputs.map((_, index) => (index === 0 ? signalOf(op, step) : null)),
});

export const rectified = ({ node, builder, signal }: Step): string =>
  builder.add('Relu', [signal], {}, `${node.outputs[0]}:back`);

export function masked(op: Op, step: Step, signal: string): string {
  if (!op.derivative) throw new MissingRule(`${step.node.opType} has no derivative in this program`);
  return step.builder.add('Mul', [signal, op.derivative(step)], {}, `${step.node.outputs[0]}:back`);
}

/** No rule for a node; the walk turns it into an error that names node, op and method. */
export class MissingRule extends Error {}
