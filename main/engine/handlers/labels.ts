import type { Network } from '../../core/program/network';
import { findLabels, type Labels } from '../pictures/labels';

/** Class names beside the model, where there are exactly as many as the network's output has units. */
export async function labelsOf(model: string, network: Network): Promise<Labels | null> {
  if (network.outputUnits === 0) return null;
  const labels = await findLabels(model);
  return labels?.names.length === network.outputUnits ? labels : null;
}
