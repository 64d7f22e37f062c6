import * as ort from 'onnxruntime-node';
import { expect } from 'vitest';
import { analyse } from '../../main/core/graph/analyse';
import { Builder } from '../../main/core/graph/builder';
import { gradient } from '../../main/core/methods/gradient';
import { fromTensor, toTensor, type Nd } from '../../main/core/ops/nd';
import { walkBack } from '../../main/core/program/walk';
import { createOrtRuntime, type Ort } from '../../main/core/runtime/ort';
import { runReference } from '../../main/core/runtime/reference';
import { dot, type Net, random, randomTensor, relativeDifference } from './support';

export const onnxRuntime = createOrtRuntime(ort as unknown as Ort, { threads: 1 });

export type Shape3 = [channels: number, height: number, width: number];
/** A value of a network, made of its picture. */
export interface Case {
  shape: Shape3;
  make: (net: Net) => string;
  /** Operator sets to try; left out: 17. */
  opsets?: number[];
}

export interface Walked {
  x: Nd;
  /** The seed: any signal at the output. */
  y: Nd;
  out: Nd;
  back: Nd;
  /** The forward pass for other pictures. */
  forward(x: Nd): Nd;
}

/**
 * Runs a network forward and any signal back by the gradient, in the reference and in ONNX Runtime, and holds one against the
 * other. The shapes are analysed for one picture, as the program does; three are run, so that nothing may depend on that.
 */
export async function walked(net: Net, shape: Shape3, out: string, opset = 17, zeroes = false): Promise<Walked> {
  const graph = { ...net.graph(out), opsets: new Map([['', opset]]), irVersion: opset > 20 ? 10 : 8 };
  const next = random(99);
  const analysis = analyse(graph, new Map([[net.picture, [1, ...shape]]]));
  const outShape = [3, ...analysis.shape(out)!.slice(1)];
  const builder = new Builder(graph);
  const seed = builder.input({ name: 'seed', type: 'float32', shape: ['N', ...outShape.slice(1)] });
  const signal = walkBack(builder, analysis, gradient(), { tap: out, seed, picture: net.picture });
  const both = builder.build([out, signal].map((name) => ({ name, type: 'float32', shape: null })));
  const picture = randomTensor([3, ...shape], next);
  if (zeroes) (picture.data as Float32Array).fill(0, 0, picture.data.length / 4);
  const [x, y] = [fromTensor(picture), fromTensor(randomTensor(outShape, next))];
  const results = runReference(
    both,
    new Map([
      [net.picture, x],
      [seed, y],
    ]),
  );
  const program = await onnxRuntime.compile(both);
  const fast = await program.run({ [net.picture]: toTensor(x), seed: toTensor(y) });
  await program.dispose();
  for (const name of [out, signal]) {
    const expected = results.get(name)!;
    expect(fast[name]!.dims, name).toEqual(expected.dims);
    expect(
      relativeDifference(expected.data, fromTensor(fast[name]!).data),
      `${name}: reference and ONNX Runtime`,
    ).toBeLessThan(1e-5);
  }
  const back = results.get(signal)!;
  expect(back.dims).toEqual(x.dims);
  const forward = (other: Nd): Nd => runReference(graph, new Map([[net.picture, other]])).get(out)!;
  return { x, y, out: results.get(out)!, back, forward };
}

/** <Ax, y> = <x, A'y> for what is linear in the picture. */
export async function expectAdjoint(net: Net, shape: Shape3, out: string, opset = 17): Promise<void> {
  const { x, y, out: value, back } = await walked(net, shape, out, opset);
  const [left, right] = [dot(value, y), dot(x, back)];
  expect(Math.abs(left - right)).toBeLessThan(1e-6 * Math.max(1, Math.abs(left))); // constants such as 1/9 are float32
  expect(Math.abs(left)).toBeGreaterThan(1e-6);
}

/** For what is not linear: <J v, y> = <v, J'y> with J v by central differences. */
export async function expectDerivative(net: Net, shape: Shape3, out: string, opset = 17): Promise<void> {
  const { x, y, back, forward } = await walked(net, shape, out, opset);
  const v = fromTensor(randomTensor(x.dims, random(5)));
  const step = 1e-6;
  const at = (sign: number): Nd => forward({ ...x, data: x.data.map((value, i) => value + sign * step * v.data[i]!) });
  const slope = (dot(at(1), y) - dot(at(-1), y)) / (2 * step);
  expect(Math.abs(slope - dot(v, back))).toBeLessThan(1e-5 * Math.max(1, Math.abs(slope)));
  expect(Math.abs(slope)).toBeGreaterThan(1e-4);
}

/** The opsets of a case, or 17. */
export const opsetsOf = ({ opsets = [17] }: Case): number[] => opsets;
