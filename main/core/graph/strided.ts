import type { Analysis } from './analyse';
import { Builder } from './builder';
import { intAttribute, type Graph, type Node } from './graph';
import { sizeOf } from './tensor';

/**
 * PyTorch's newer exporter writes a view by strides (a global mean behind a layer norm becomes one) as a Gather from all
 * pictures laid out in one row, at places that it computes from their number. Where each picture's places are those of the
 * first, moved on by what a picture holds, it is a Gather (or nothing but a Reshape) within each picture.
 * `analysis` is for one picture, `pair` for two.
 */
export function findStridedViews(graph: Graph, analysis: Analysis, pair: () => Analysis | null): Graph {
  const rows = new Map(graph.nodes.map((node) => [node, rowOf(node, analysis)]));
  const two = [...rows.values()].some((row) => row !== null) ? pair() : null;
  if (!two) return graph;
  const builder = new Builder(graph, false);
  let found = false;
  for (const node of graph.nodes) {
    const row = rows.get(node);
    const places = row && placesWithin(node, row.size, analysis, two);
    if (!places) {
      builder.nodes.push(node);
      continue;
    }
    found = true;
    let { value } = row;
    if (places.length !== row.size || places.some((place, i) => place !== i)) {
      const flat = builder.add('Reshape', [value, builder.ints([0, row.size])]);
      value = builder.add('Gather', [flat, builder.ints(places)], { axis: 1 });
    }
    const dims = builder.ints([0, ...analysis.shape(node.outputs[0]!)!.slice(1)]);
    builder.nodes.push({ ...node, opType: 'Reshape', inputs: [value, dims], attributes: {} });
  }
  return found ? builder.build(graph.outputs) : graph;
}

/** What a Gather at computed places takes from: a value laid out in one row, and how many elements one picture has of it. */
function rowOf(node: Node, analysis: Analysis): { value: string; size: number } | null {
  if (node.opType !== 'Gather' || node.domain !== '' || intAttribute(node, 'axis', 0) !== 0) return null;
  const [row, places] = node.inputs as [string, string];
  const reshape = analysis.producer(row);
  const value = reshape?.opType === 'Reshape' ? reshape.inputs[0]! : '';
  const size = sizeOf(analysis.shape(row) ?? []);
  const laid = analysis.shape(row)?.length === 1 && analysis.shape(value)?.[0] === 1 && analysis.onPath(value);
  return laid && !analysis.onPath(places) && !analysis.isConstant(places) ? { value, size } : null;
}

function placesWithin(node: Node, size: number, analysis: Analysis, two: Analysis): number[] | null {
  const [one, pair] = [analysis, two].map((each) => each.constant(node.inputs[1]!));
  if (!one || !pair || one.dims[0] !== 1 || pair.dims[0] !== 2 || pair.data.length !== 2 * one.data.length) return null;
  const inside = one.data.every(
    (place, i) =>
      place >= 0 && place < size && pair.data[i] === place && pair.data[one.data.length + i] === place + size,
  );
  return inside ? Array.from(one.data) : null;
}
