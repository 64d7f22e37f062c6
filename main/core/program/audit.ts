import type { AuditRow, MethodChoice, ModelAudit } from '../../../preload/contract';
import type { Node } from '../graph/graph';
import { methodOf } from '../methods/index';
import { opOf } from '../ops/index';
import { roleOf } from '../ops/op';
import type { Network } from './network';
import { pathNodes, ruleAt } from './walk';

/**
 * What a method does at every node between the picture and the network's last layers, in the order of the graph, with the
 * reason where it refuses, and which layers that leaves without a reconstruction.
 */
export function auditNetwork(network: Network, choice: MethodChoice): ModelAudit {
  const { graph, analysis, layers } = network;
  const method = methodOf(choice);
  const scanned = layers.filter((layer) => layer.scanned);
  const paths = new Map(scanned.map((layer) => [layer, pathNodes(graph.nodes, analysis, layer.after, method)]));
  const reached = new Set([...paths.values()].flat());
  const layerOf = new Map<Node, string>();
  // A node belongs to the first layer that it leads to.
  for (const [layer, path] of paths) for (const node of path) if (!layerOf.has(node)) layerOf.set(node, layer.name);
  const rows = graph.nodes.flatMap((node): AuditRow[] =>
    reached.has(node)
      ? [
          {
            ...ruleAt(node, analysis, method),
            layer: layerOf.get(node)!,
            parts: network.parts.get(node.outputs[0]!) ?? [],
          },
        ]
      : [],
  );
  const refusing = new Set(rows.filter((row) => row.refused !== null).map((row) => row.value));
  const refused = scanned.filter((layer) => paths.get(layer)!.some((node) => refusing.has(node.outputs[0]!)));
  return {
    method: method.label,
    rows,
    layers: { exact: scanned.length - refused.length, refused: refused.map((layer) => layer.name) },
    notes: network.notes,
  };
}

/**
 * A deconvnet knows the picture by its switches alone (its rectifiers look at the signal only). Where the resolution falls by
 * strided convolutions instead, its reconstructions are nearly the same for every picture.
 */
export function switchNotes({ graph, analysis }: Pick<Network, 'graph' | 'analysis'>): string[] {
  let switched = 0;
  let strided = 0;
  for (const node of graph.nodes) {
    const op = opOf(node);
    const out = node.outputs[0];
    // Without a shape it lies behind a node that nobody knows: nothing to say of it.
    if (!op || !out || !analysis.onPath(out) || !analysis.shape(out)) continue;
    const extent = analysis.open.has(node) ? undefined : op.extent?.(node, analysis);
    if (roleOf(op, node, analysis.onPath) === 'select') switched += Number(extent?.kind !== 'pointwise');
    else if (extent?.kind === 'window' && extent.axes.some((window) => window.stride > 1)) strided++;
  }
  if (switched === 0)
    return [
      'No pool with switches: a deconvnet’s reconstruction of a unit then hardly depends on the picture (by its strength, and by gates and normalisations held at their forward values). The gradient does.',
    ];
  return strided > switched
    ? [
        `Few switches (${switched} of ${switched + strided} steps down in resolution are max pools): deconvnet reconstructions depend little on the picture.`,
      ]
    : [];
}
