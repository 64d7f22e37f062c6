import type { SmoothRule } from '../../../preload/contract';
import type { Node } from '../graph/graph';
import type { Contributions, Known, Op, Role, Step } from '../ops/op';

/**
 * What a method does with one role: words for the list of rules, and the nodes that it appends. `into`: the one input that
 * the signal goes on to; left out: every input that depends on the picture. `assumed`: the method's paper has no rule there.
 */
export type Rule =
  | {
      text: string;
      assumed?: true;
      apply(op: Op, step: Step): Contributions;
      into?(op: Op, node: Node, known: Known): number;
    }
  | { refuse: string };

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

/** For normalisations: straight through, as the paper has it; where there is a scale, that with the statistics held. */
export const through: Rule = {
  text: 'passed straight through, times the scale where it has one',
  apply: (op, step) => op.held?.(step) ?? step.node.inputs.map((_, i) => (i === 0 ? step.signal : null)),
};

/** For rectifiers: the signal to send on, to the input that carries it (in Max(0, x) the second). */
export const rectifier = (text: string, signalOf: (op: Op, step: Step) => string): Rule => ({
  text,
  apply(op, step) {
    const carrying = step.node.inputs.findIndex((name) => name && step.onPath(name));
    return step.node.inputs.map((_, index) => (index === carrying ? signalOf(op, step) : null));
  },
});

export const rectified = ({ node, builder, signal }: Step): string =>
  builder.add('Relu', [signal], {}, `${node.outputs[0]}:back`);

export function masked(op: Op, step: Step, signal: string): string {
  if (!op.derivative) throw new MissingRule(`${step.node.opType} has no derivative in this program`);
  return step.builder.add('Mul', [signal, op.derivative(step)], {}, `${step.node.outputs[0]}:back`);
}

/** At a gate: the gate held at its forward value (as a switch is), the gated signal sent on; nothing into the gate. */
function heldGate(op: Op, step: Step, signal: string): Contributions {
  if (!op.adjoint || !op.gated) throw new MissingRule(`${step.node.opType} has no held gate in this program`);
  const at = op.gated(step.node, step.known);
  const gated = step.node.inputs[at];
  const contributions = op.adjoint({ ...step, signal, onPath: (value) => value === gated });
  return contributions.map((contribution, index) => (index === at ? contribution : null)); // x * x: into one of them
}

const assumed = (rule: Rule): Rule => ({ ...rule, assumed: true });

/** The rules for what the paper has none for: smooth activations and gates. */
export function smoothRules(choice: SmoothRule, method: string): Record<'smooth' | 'gate', Rule> {
  if (choice === 'refuse') {
    const refuse = `the ${method} has no rule for it, and it was chosen not to make one up`;
    return { smooth: { refuse }, gate: { refuse } };
  }
  if (choice === 'derivative')
    return {
      smooth: assumed(rectifier('its derivative (no rule in the paper)', (op, step) => masked(op, step, step.signal))),
      gate: assumed(adjoint('its derivative, into both factors (no rule in the paper)')),
    };
  return {
    smooth: assumed(rectifier('rectify the signal (no rule in the paper)', (_op, step) => rectified(step))),
    gate: {
      assumed: true,
      text: 'gate held, signal rectified (no rule in the paper)',
      apply: (op, step) => heldGate(op, step, rectified(step)),
      into: (op, node, known) => op.gated?.(node, known) ?? 0,
    },
  };
}

/** No rule for a node; the walk turns it into an error that names node, op and method. */
export class MissingRule extends Error {}
