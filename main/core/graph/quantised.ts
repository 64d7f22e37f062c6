import { normalAxis } from '../ops/nd';
import { Builder } from './builder';
import { intAttribute, type Attribute, type Graph, type Node } from './graph';
import { float32, sizeOf, toNumbers, type DataType, type Tensor } from './tensor';

/** The least and the largest value of an integer type. */
export const ranges: Partial<Record<DataType, readonly [number, number]>> = {
  int8: [-128, 127],
  uint8: [0, 255],
  int16: [-32768, 32767],
  uint16: [0, 65535],
  int32: [-(2 ** 31), 2 ** 31 - 1],
};

export function roundHalfToEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 !== 0) ? floor + 1 : floor;
}

/**
 * The index into scale and zero point for each element: one for all, one per entry of an axis, or one per block of it.
 * Null where they do not fit.
 */
export function scaleIndex(
  node: Node,
  dims: readonly number[],
  scale: readonly number[],
): ((i: number) => number) | null {
  if (sizeOf(scale) === 1) return () => 0;
  const axis = normalAxis(intAttribute(node, 'axis', 1), dims.length);
  const inner = sizeOf(dims.slice(axis + 1));
  const length = dims[axis];
  if (length === undefined) return null;
  if (scale.length === 1) return scale[0] === length ? (i) => Math.floor(i / inner) % length : null;
  const block = intAttribute(node, 'block_size', 0);
  const blocks = scale[axis];
  if (block < 1 || scale.length !== dims.length || blocks !== Math.ceil(length / block)) return null;
  if (scale.some((dim, i) => i !== axis && dim !== dims[i])) return null;
  const outer = (i: number) => Math.floor(i / (inner * length));
  return (i) => (outer(i) * blocks + Math.floor((Math.floor(i / inner) % length) / block)) * inner + (i % inner);
}

/** The values that quantised ones stand for: (x - zero point) * scale. Null where scale and values do not fit. */
export function dequantised(node: Node, x: Tensor, scale: Tensor, zero?: Tensor): Tensor | null {
  const at = scaleIndex(node, x.dims, scale.dims);
  // Eight-bit floats are read as what they stand for.
  if (!at || !(x.type in ranges || x.type === 'float32') || (zero && zero.data.length !== scale.data.length))
    return null;
  const [scales, zeros] = [toNumbers(scale), zero && toNumbers(zero)];
  const out = new Float32Array(x.data.length);
  for (let i = 0; i < out.length; i++) out[i] = (Number(x.data[i]) - (zeros?.[at(i)] ?? 0)) * scales[at(i)]!;
  return float32(x.dims, out);
}

/** round(x / scale) + zero point, half to even, within the zero point's type (uint8 where there is none). */
export function quantised(node: Node, x: Tensor, scale: Tensor, zero?: Tensor): Tensor | null {
  const at = scaleIndex(node, x.dims, scale.dims);
  const type = zero?.type ?? 'uint8';
  const range = ranges[type];
  if (!at || !range || x.type !== 'float32' || node.attributes['output_dtype'] || node.attributes['block_size'])
    return null;
  const [scales, zeros] = [toNumbers(scale), zero && toNumbers(zero)];
  const values = Float64Array.from(x.data as Float32Array, (value, i) => {
    const whole = roundHalfToEven(Math.fround(value / scales[at(i)]!)) + (zeros?.[at(i)] ?? 0);
    return Math.max(range[0], Math.min(range[1], whole));
  });
  const arrays = { int8: Int8Array, uint8: Uint8Array, int16: Int16Array, uint16: Uint16Array, int32: Int32Array };
  return { type, dims: x.dims, data: arrays[type as keyof typeof arrays].from(values) };
}

interface Scaled {
  float: string;
  scale: string;
  zero: string;
}

/** Ops whose result may be negative whatever they are given. */
const signed = new Set([
  ...['Add', 'BatchNormalization', 'Conv', 'ConvTranspose', 'Gemm', 'InstanceNormalization', 'MatMul', 'Sub', 'Sum'],
]);

/** Ops that move or pick quantised values and compute nothing with them. */
const moving = new Set(['Flatten', 'Identity', 'MaxPool', 'Reshape', 'Squeeze', 'Transpose', 'Unsqueeze']);

/**
 * Operators on quantised values become the operators that they stand for, between DequantizeLinear and QuantizeLinear, as
 * quantisers write them in their other form: the network computes what it did, and has filters to walk back through. Where
 * an operator only moves quantised values, it moves what they stand for.
 *
 * Quantisers drop a ReLU where the steps that follow begin at zero: cutting off below is the same. It is written out again,
 * because a deconvnet rectifies there.
 */
export function unquantise(graph: Graph): Graph {
  if (!graph.nodes.some((node) => node.opType === 'QuantizeLinear' || rewrites[node.opType])) return graph;
  const pass = new Unquantiser(graph);
  for (const node of graph.nodes) pass.visit(node);
  return { ...graph, nodes: pass.builder.nodes, initializers: pass.builder.initializers };
}

class Unquantiser {
  readonly builder: Builder;
  private readonly scaled = new Map<string, Scaled>();
  private readonly made: ReadonlySet<string>;
  private readonly signed = new Set<string>();

  constructor(graph: Graph) {
    this.builder = new Builder(graph, false);
    this.made = new Set(graph.nodes.flatMap((node) => node.outputs));
  }

  visit(node: Node): void {
    const { builder } = this;
    const known = this.scaled.get(node.inputs[0] ?? '');
    if (node.opType === 'DequantizeLinear' && known && known.scale === node.inputs[1]) {
      builder.addNode({ ...node, opType: 'Identity', inputs: [known.float], attributes: {} });
      return;
    }
    if (moving.has(node.opType) && known && node.outputs.length === 1) {
      const float = builder.fresh(`${node.outputs[0]}:real`);
      builder.addNode({ ...node, inputs: [known.float, ...node.inputs.slice(1)], outputs: [float] });
      this.hold(node, { ...known, float });
      return;
    }
    const rewrite = rewrites[node.opType];
    if (rewrite && rewrite(this, node)) return;
    if (node.opType === 'QuantizeLinear') {
      const [x, scale, zero = ''] = node.inputs as [string, string, string?];
      builder.addNode({ ...node, inputs: [this.rectified(x, zero), scale, zero].filter(Boolean) });
    } else builder.addNode(node);
    if (signed.has(node.opType)) for (const name of node.outputs) this.signed.add(name);
  }

  /** The value behind a ReLU, where it may be negative and quantising it would cut that off. */
  private rectified(x: string, zero: string): string {
    if (!this.signed.has(x) || !this.cutsAtZero(zero)) return x;
    return this.builder.add('Relu', [x], {}, `${x}:rectified`);
  }

  private cutsAtZero(zero: string): boolean {
    if (!zero) return true; // uint8 from 0
    const tensor = this.builder.initializers.get(zero);
    const low = tensor && ranges[tensor.type]?.[0];
    return low !== undefined && toNumbers(tensor!).every((value) => value === low);
  }

  /** What a quantised value stands for. */
  real(name: string, scale: string, zero: string, axis = 1): string {
    const known = this.scaled.get(name);
    if (known && known.scale === scale) return known.float;
    const attributes: Record<string, Attribute> = this.made.has(name) ? {} : { axis: { kind: 'int', value: axis } };
    return this.builder.addNode({
      opType: 'DequantizeLinear',
      inputs: zero ? [name, scale, zero] : [name, scale],
      outputs: [this.builder.fresh(`${name}:real`)],
      attributes,
    }).outputs[0]!;
  }

  /** A bias is in steps of the product of both scales. */
  bias(name: string, x: string, weights: string, factor = 1): string | null {
    const [xScale, scale] = [this.builder.initializers.get(x), this.builder.initializers.get(weights)];
    if (!xScale || !scale || xScale.data.length !== 1) return null;
    const steps = Float32Array.from(toNumbers(scale), (value) => factor * value * toNumbers(xScale)[0]!);
    return this.real(name, this.builder.constant(float32(scale.dims, steps), `${name}:scale`), '', 0);
  }

  /** The node in real numbers, its result quantised as the node said. */
  write(node: Node, opType: string, inputs: readonly string[], ends: { scale: string; zero: string }): true {
    const { builder } = this;
    const output = node.outputs[0]!;
    const exact = builder.fresh(`${output}:exact`);
    builder.addNode({ ...node, domain: '', opType, inputs, outputs: [exact] });
    const real =
      signed.has(opType) && this.cutsAtZero(ends.zero)
        ? builder.add('Relu', [exact], {}, `${output}:rectified`)
        : exact;
    const quantise = [real, ends.scale, ends.zero].filter(Boolean);
    builder.addNode({ opType: 'QuantizeLinear', inputs: quantise, outputs: [output], attributes: {} });
    const float = builder.add(
      'DequantizeLinear',
      [output, ends.scale, ends.zero].filter(Boolean),
      {},
      `${output}:real`,
    );
    this.scaled.set(output, { float, ...ends });
    return true;
  }

  /** The quantised value itself, for whoever still reads it; what nothing reads goes when the graph is cut to its outputs. */
  private hold(node: Node, scaled: Scaled): void {
    const inputs = [scaled.float, scaled.scale, scaled.zero].filter(Boolean);
    this.builder.addNode({ opType: 'QuantizeLinear', inputs, outputs: [node.outputs[0]!], attributes: {} });
    this.scaled.set(node.outputs[0]!, scaled);
  }
}

type Rewrite = (pass: Unquantiser, node: Node) => boolean;

/** Two operands with scales and zero points, then the result's. */
const binary =
  (opType: string): Rewrite =>
  (pass, node) => {
    const [a, as, az, b, bs, bz, scale, zero = ''] = node.inputs as string[];
    if (!scale) return false;
    return pass.write(node, opType, [pass.real(a!, as!, az!), pass.real(b!, bs!, bz!, -1)], { scale, zero });
  };

/** One operand. */
const unary =
  (opType: string): Rewrite =>
  (pass, node) => {
    const [x, xs, xz, scale, zero = ''] = node.inputs as string[];
    if (!scale || intAttribute(node, 'channels_last', 0)) return false;
    const { channels_last: _last, ...attributes } = node.attributes;
    return pass.write({ ...node, attributes }, opType, [pass.real(x!, xs!, xz!)], { scale, zero });
  };

const rewrites: Readonly<Record<string, Rewrite>> = {
  QLinearConv(pass, node) {
    const [x, xs, xz, w, ws, wz, scale, zero, bias] = node.inputs as string[];
    const inputs = [pass.real(x!, xs!, xz!), pass.real(w!, ws!, wz!, 0)];
    const real = bias ? pass.bias(bias, xs!, ws!) : '';
    if (real === null) return false;
    if (real) inputs.push(real);
    return pass.write(node, 'Conv', inputs, { scale: scale!, zero: zero! });
  },
  QGemm(pass, node) {
    const [a, as, az, b, bs, bz, c, scale, zero = ''] = node.inputs as string[];
    const alpha = node.attributes['alpha']?.kind === 'float' ? node.attributes['alpha'].value : 1;
    const bias = c ? pass.bias(c, as!, bs!, alpha) : '';
    if (bias === null || !scale) return false;
    const axis = intAttribute(node, 'transB', 0) ? 0 : 1;
    const inputs = [pass.real(a!, as!, az!), pass.real(b!, bs!, bz!, axis), bias].filter(Boolean);
    return pass.write(node, 'Gemm', inputs, { scale, zero });
  },
  QLinearConcat(pass, node) {
    const [scale, zero, ...rest] = node.inputs as string[];
    const inputs: string[] = [];
    for (let i = 0; i + 2 < rest.length; i += 3) inputs.push(pass.real(rest[i]!, rest[i + 1]!, rest[i + 2]!));
    return pass.write(node, 'Concat', inputs, { scale: scale!, zero: zero! });
  },
  QLinearMatMul: binary('MatMul'),
  QLinearAdd: binary('Add'),
  QLinearMul: binary('Mul'),
  QLinearSigmoid: unary('Sigmoid'),
  QLinearLeakyRelu: unary('LeakyRelu'),
  QLinearGlobalAveragePool: unary('GlobalAveragePool'),
  QLinearAveragePool: unary('AveragePool'),
};
