import type { LayerInfo, MethodId } from '../../../preload/contract';

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

/** Whether the network has rectifiers that let negative values through or cap positive ones: there deconvnet has a choice. */
export function hasLeaky(layers: readonly LayerInfo[]): boolean {
  return layers.some((layer) => layer.nodes.some((node) => /leakyrelu|prelu|relu6|clip/i.test(node)));
}
