import { methodIds, smoothRules, type LayerInfo, type MethodId, type SmoothRule } from '../../../preload/contract';
import { t } from '../../i18n';

/** A choice as a SegmentGroup takes it. */
interface Option<T extends string> {
  value: T;
  label: string;
  hint: string;
}

export const methodName = (id: MethodId): string => t(`units.methods.${id}.name`);

export const methodOptions = (): Option<MethodId>[] =>
  methodIds.map((value) => ({ value, label: methodName(value), hint: t(`units.methods.${value}.hint`) }));

/** What stands at smooth activations and gates, where the paper has no rule. */
export const smoothOptions = (): Option<SmoothRule>[] =>
  smoothRules.map((value) => ({
    value,
    label: t(`units.smooth.${value}.name`),
    hint: t(`units.smooth.${value}.hint`),
  }));

/** Whether the network has rectifiers that let negative values through or cap positive ones: there deconvnet has a choice. */
export function hasLeaky(layers: readonly LayerInfo[]): boolean {
  return layers.some((layer) => layer.nodes.some((node) => /leakyrelu|prelu|relu6|clip/i.test(node)));
}

export const scaleOptions = (): Option<'shared' | 'own'>[] =>
  (['shared', 'own'] as const).map((value) => ({
    value,
    label: t(`units.scale.${value}.name`),
    hint: t(`units.scale.${value}.hint`),
  }));
