import type { LayerInfo, MethodId, SmoothRule } from '../../../preload/contract';

export const methodNames: Record<MethodId, string> = {
  deconvnet: 'Deconvnet',
  guided: 'Guided',
  gradient: 'Gradient',
};

export const methodHints: Record<MethodId, string> = {
  deconvnet: 'Zeiler & Fergus 2014: rectifies the signal on its way back, unpools by the switches',
  guided: 'Springenberg et al. 2015: as deconvnet, and only where the rectifier let the input through',
  gradient: 'Simonyan et al. 2014: the plain derivative of the activation by the input',
};

/** What stands at smooth activations and gates, where the paper has no rule. */
export const smoothOptions: { value: SmoothRule; label: string; hint: string }[] = [
  {
    value: 'rectify',
    label: 'Rectify',
    hint: 'At smooth activations (SiLU, GELU, sigmoid …) the signal is rectified as at a ReLU; gates are held at their forward values',
  },
  {
    value: 'derivative',
    label: 'Derivative',
    hint: 'At smooth activations and gates the signal is multiplied by the forward derivative',
  },
  { value: 'refuse', label: 'Refuse', hint: 'No reconstruction through what the paper has no rule for' },
];

/** Whether the network has rectifiers that let negative values through or cap positive ones: there deconvnet has a choice. */
export function hasLeaky(layers: readonly LayerInfo[]): boolean {
  return layers.some((layer) => layer.nodes.some((node) => /leakyrelu|prelu|relu6|clip/i.test(node)));
}
