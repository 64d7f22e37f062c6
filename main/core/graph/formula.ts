import type { attributes, Builder } from './builder';

/** A value by name, or a number that becomes a scalar constant. */
export type Term = string | number;

/** Writes formulas as nodes: `f('Mul', x, 0.5)` adds one and returns the name of its value. */
export type Formula = (opType: string, ...terms: readonly Term[]) => string;

/** Nodes written so are called after `hint`. */
export function formula(builder: Builder, hint: string, plain: Parameters<typeof attributes>[0] = {}): Formula {
  return (opType, ...terms) =>
    builder.add(
      opType,
      terms.map((term) => (typeof term === 'number' ? builder.scalar(term) : term)),
      plain,
      `${hint}:${opType}`,
    );
}

/** 1 where a comparison holds, else 0. */
export const asNumber = (builder: Builder, condition: string): string => builder.add('Cast', [condition], { to: 1 });
