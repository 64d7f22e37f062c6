import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { analyse } from '../../main/core/graph/analyse';
import { Builder } from '../../main/core/graph/builder';
import { float32 } from '../../main/core/graph/tensor';
import { gradient } from '../../main/core/methods/gradient';
import { nd } from '../../main/core/ops/nd';
import { walkBack } from '../../main/core/program/walk';
import { runReference } from '../../main/core/runtime/reference';
import { expectAdjoint, type Shape3 } from './linear';
import { Net } from './support';

type Plain = Parameters<Net['add']>[2];
const toScales = (net: Net, scales: number[], plain: Plain): string =>
  net.add('Resize', [net.picture, '', net.builder.constant(float32([scales.length], scales), 'scales')], plain);
const toSizes = (net: Net, sizes: number[], plain: Plain): string =>
  net.add('Resize', [net.picture, '', '', net.builder.ints(sizes)], plain);

const coordinates = ['half_pixel', 'pytorch_half_pixel', 'align_corners', 'asymmetric'];
const rounding = ['round_prefer_floor', 'round_prefer_ceil', 'floor', 'ceil'];
const shape: Shape3 = [2, 4, 5];
const scalings: Record<string, (net: Net, plain: Plain) => string> = {
  'by 2': (net, plain) => toScales(net, [1, 1, 2, 2], plain),
  'by 1.5 and 0.6': (net, plain) => toScales(net, [1, 1, 1.5, 0.6], plain),
  'to 7×3': (net, plain) => toSizes(net, [7, 3], { ...plain, axes: [2, 3] }),
};

describe("Resize: <Ax, y> = <x, A'y>, as ONNX Runtime", () => {
  for (const [scaling, make] of Object.entries(scalings))
    for (const coordinate_transformation_mode of coordinates) {
      const plain = { coordinate_transformation_mode };
      const check = (more: Plain): (() => Promise<void>) => {
        return async () => {
          const net = new Net(shape);
          await expectAdjoint(net, shape, make(net, { ...plain, ...more }), 18);
        };
      };
      for (const nearest_mode of rounding)
        it(
          `${scaling}, ${coordinate_transformation_mode}, nearest, ${nearest_mode}`,
          check({ mode: 'nearest', nearest_mode }),
        );
      it(`${scaling}, ${coordinate_transformation_mode}, linear`, check({ mode: 'linear' }));
      it(`${scaling}, ${coordinate_transformation_mode}, cubic`, check({ mode: 'cubic' }));
    }

  it('cubic, what is outside excluded, another coefficient', async () => {
    const net = new Net(shape);
    const plain = { mode: 'cubic', exclude_outside: 1, cubic_coeff_a: { float: -0.5 } };
    await expectAdjoint(net, shape, toScales(net, [1, 1, 2, 1.5], plain));
  });
  it('symmetric half pixels', async () => {
    const net = new Net(shape);
    const plain = { mode: 'linear', coordinate_transformation_mode: 'half_pixel_symmetric' };
    await expectAdjoint(net, shape, toScales(net, [1, 1, 1.3, 2.3], plain), 19);
  });
  it('one axis, named', async () => {
    const net = new Net(shape);
    const plain = { mode: 'linear', axes: [3] };
    await expectAdjoint(net, shape, toScales(net, [2], plain), 18);
  });
  it('channels as well', async () => {
    const net = new Net([2, 3, 4]);
    await expectAdjoint(net, [2, 3, 4], toScales(net, [1, 2, 1, 1], { mode: 'nearest' }));
  });
  for (const policy of ['not_larger', 'not_smaller'])
    it(`aspect kept, ${policy}`, async () => {
      const net = new Net(shape);
      const plain = { mode: 'linear', axes: [2, 3], keep_aspect_ratio_policy: policy };
      await expectAdjoint(net, shape, toSizes(net, [7, 15], plain), 18);
    });
});

interface Golden {
  picture: number[][];
  cases: Record<string, { size: [number, number]; out: number[]; back: number[] }[]>;
}
const golden = JSON.parse(readFileSync(new URL('../golden/resize.json', import.meta.url), 'utf8')) as Golden;

/** As PyTorch's exporter writes them. */
const written: Record<string, Plain> = {
  nearest: { mode: 'nearest', coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' },
  'nearest-exact': { mode: 'nearest', coordinate_transformation_mode: 'half_pixel', nearest_mode: 'round_prefer_ceil' },
  bilinear: { mode: 'linear', coordinate_transformation_mode: 'pytorch_half_pixel' },
  'bilinear, corners aligned': { mode: 'linear', coordinate_transformation_mode: 'align_corners' },
  bicubic: { mode: 'cubic', coordinate_transformation_mode: 'half_pixel' },
  'bicubic, corners aligned': { mode: 'cubic', coordinate_transformation_mode: 'align_corners' },
};

describe('Resize as PyTorch, forward and back', () => {
  for (const [mode, cases] of Object.entries(golden.cases))
    for (const { size, out, back } of cases)
      it(`${mode} to ${size.join('×')}`, () => {
        const net = new Net([1, 3, 4]);
        const value = toSizes(net, [1, 1, ...size], written[mode]!);
        const graph = net.graph(value);
        const builder = new Builder(graph);
        const seed = builder.input({ name: 'seed', type: 'float32', shape: null });
        const analysis = analyse(graph, new Map([[net.picture, [1, 1, 3, 4]]]));
        const signal = walkBack(builder, analysis, gradient(), { tap: value, seed, picture: net.picture });
        const results = runReference(
          builder.build([value, signal].map((name) => ({ name, type: 'float32', shape: null }))),
          new Map([
            [net.picture, nd([1, 1, 3, 4], Float64Array.from(golden.picture.flat()))],
            [
              seed,
              nd(
                [1, 1, ...size],
                Float64Array.from(out, (_, i) => i + 1),
              ),
            ],
          ]),
        );
        results.get(value)!.data.forEach((actual, i) => expect(actual).toBeCloseTo(out[i]!, 4));
        results.get(signal)!.data.forEach((actual, i) => expect(actual).toBeCloseTo(back[i]!, 3));
      });
});
