import type { ProviderId, ProviderState } from '../../../preload/contract';
import type { Node } from '../../core/graph/graph';
import type { OrtProvider } from '../../core/runtime/ort';

/** A pool that hands out its switches. */
const givesSwitches = ({ opType, outputs }: Node): boolean => opType === 'MaxPool' && outputs.length > 1;

/** ONNX Runtime's providers beside the processor, by what the window calls them. */
export const providers: Readonly<Record<ProviderId, OrtProvider>> = {
  // Version 1.30 takes such a pool and then says that it has no indices.
  webgpu: { name: 'webgpu', label: 'WebGPU', fails: givesSwitches },
  cuda: { name: 'cuda', label: 'CUDA' },
  directml: { name: 'dml', label: 'DirectML' },
  coreml: { name: 'coreml', label: 'Core ML' },
};

/** NVIDIA's libraries round products to ten bits unless told not to; before they are loaded. */
export const exactProducts = (): void => void (process.env['NVIDIA_TF32_OVERRIDE'] ??= '0');

const stateWords: Readonly<Record<ProviderState['state'], string>> = {
  unknown: 'it was not tried',
  fits: 'its numbers are the processor’s',
  absent: 'it is not in this build',
  fails: 'it does not load',
  differs: 'its numbers are not the processor’s',
  crashes: 'it crashed',
  hangs: 'it did not come to an end',
};

/** What was found, for the command line and notes. */
export function wordsOf({ state, reason }: ProviderState): string {
  if (state === 'absent') return `it is ${reason}`;
  return reason === null ? stateWords[state] : `${stateWords[state]} (${reason})`;
}
