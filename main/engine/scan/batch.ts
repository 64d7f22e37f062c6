import type { Network } from '../../core/program/network';

/** Bytes of feature maps, and forward multiply-adds, that one batch may hold: on two cores it stays below half a second. */
const memoryBudget = 200e6;
const computeBudget = 32e9;
const largest = 32;

/**
 * Pictures in one forward pass, from the network's sizes alone: every machine that goes on with a scan cuts the same batches.
 * All maps of the network are counted, for a runtime may keep many of them at once.
 */
export function batchSize(network: Network): number {
  if (network.batchOne) return 1;
  const { channels, size } = network.input;
  const picture = channels * size[0] * size[1];
  const maps = network.layers.reduce((total, layer) => total + layer.units * layer.map[0] * layer.map[1], picture);
  const macs = Math.max(1, ...network.layers.map((layer) => layer.macs));
  const fits = Math.min(memoryBudget / (4 * maps), computeBudget / macs, largest);
  return Math.max(1, Math.floor(fits));
}
