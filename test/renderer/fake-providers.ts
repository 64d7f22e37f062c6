import type { ProviderState } from '../../preload/contract';

const none = { difference: null, milliseconds: null };
const reason = 'not in this build of ONNX Runtime (linux x64)';

/** What a Linux machine has before anything was tried. */
export const fakeProviders: readonly ProviderState[] = [
  { id: 'webgpu', label: 'WebGPU', state: 'unknown', reason: null, ...none },
  { id: 'cuda', label: 'CUDA', state: 'fails', reason: 'Failed to load shared library', ...none },
  { id: 'directml', label: 'DirectML', state: 'absent', reason, ...none },
  { id: 'coreml', label: 'Core ML', state: 'absent', reason, ...none },
];
