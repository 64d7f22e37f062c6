import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { analyse } from '../../main/core/graph/analyse';
import { Builder } from '../../main/core/graph/builder';
import { float32 } from '../../main/core/graph/tensor';
import { methodOf } from '../../main/core/methods/index';
import { nd, type Nd } from '../../main/core/ops/nd';
import { walkBack } from '../../main/core/program/walk';
import { runReference } from '../../main/core/runtime/reference';
import { Net } from '../core/support';
import { choiceOf } from './cases';

/** Examples small enough to check by hand (hand.py); each is what PyTorch gives. */

type Nested = number | Nested[];
interface Example {
  name: string;
  why?: string;
  op: string;
  attributes: Record<string, number | number[]>;
  input: Nested;
  weight?: Nested;
  bias?: number[];
  signal: Nested;
  result?: Nested;
  methods?: Record<Parameters<typeof choiceOf>[0], number[]>;
}
const hand = JSON.parse(readFileSync(path.join(import.meta.dirname, 'hand.json'), 'utf8')) as Record<
  'pools' | 'convolutions' | 'rectifiers',
  Example[]
>;

function dimsOf(nested: Nested): number[] {
  return Array.isArray(nested) ? [nested.length, ...dimsOf(nested[0]!)] : [];
}
const flat = (nested: Nested): number[] => (Array.isArray(nested) ? nested.flatMap(flat) : [nested]);
/** As four axes: lines become maps of one row. */
function array(nested: Nested): Nd {
  const dims = dimsOf(nested);
  const four = dims.length === 4 ? dims : dims.length === 3 ? [dims[0]!, dims[1]!, 1, dims[2]!] : [1, 1, 1, ...dims];
  return nd(four, Float64Array.from(flat(nested)));
}

function back(example: Example, method: Parameters<typeof choiceOf>[0]): number[] {
  const input = array(example.input);
  const [, channels = 1, height = 1, width = 1] = input.dims;
  const net = new Net([channels, height, width]);
  const inputs = [net.picture];
  if (example.weight)
    inputs.push(net.builder.constant(float32(dimsOf(example.weight), flat(example.weight)), 'weight'));
  if (example.bias) inputs.push(net.builder.constant(float32([example.bias.length], example.bias), 'bias'));
  if (example.op === 'Clip') {
    const { min = 0, max = 6 } = example.attributes as { min?: number; max?: number };
    inputs.push(net.builder.scalar(min), net.builder.scalar(max));
  }
  const line = dimsOf(example.input).length === 3;
  const plain = Object.fromEntries(
    Object.entries(example.op === 'Clip' ? {} : example.attributes).map(([name, value]) => {
      if (name === 'alpha') return [name, { float: value as number }];
      if (!line || !Array.isArray(value)) return [name, value];
      return [name, name === 'pads' ? [0, value[0]!, 0, value[1]!] : [1, ...value]];
    }),
  );
  const tap = net.add(example.op, inputs, plain);
  const graph = net.graph(tap);
  const analysis = analyse(graph, new Map([[net.picture, input.dims]]));
  const builder = new Builder(graph);
  const signal = array(example.signal);
  const seed = builder.input({ name: 'seed', type: 'float32', shape: signal.dims });
  const out = walkBack(builder, analysis, methodOf(choiceOf(method)), { tap, seed, picture: net.picture });
  const results = runReference(
    builder.build([{ name: out, type: 'float32', shape: null }]),
    new Map([
      [net.picture, input],
      [seed, signal],
    ]),
  );
  return Array.from(results.get(out)!.data, (value) => value + 0);
}

describe.each(['pools', 'convolutions'] as const)('%s', (kind) => {
  it.each(hand[kind].map((example) => [example.name, example] as const))('%s', (_name, example) => {
    back(example, 'deconvnet').forEach((value, i) =>
      expect(value, example.why).toBeCloseTo(flat(example.result!)[i]!, 6),
    );
  });
});

describe('rectifiers', () => {
  it.each(hand.rectifiers.map((example) => [example.name, example] as const))('%s', (_name, example) => {
    for (const [method, expected] of Object.entries(example.methods!))
      back(example, method as Parameters<typeof choiceOf>[0]).forEach((value, i) =>
        expect(value, method).toBeCloseTo(expected[i]!, 6),
      );
  });
});
