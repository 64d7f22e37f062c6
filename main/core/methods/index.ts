import type { MethodChoice, MethodId } from '../../../preload/contract';
import { deconvnet } from './deconvnet';
import { gradient } from './gradient';
import { guided } from './guided';
import type { Method } from './method';

/** Every method. Adding one: its file, its id in the contract, and its line here. */
const methods: Record<MethodId, (choice: MethodChoice) => Method> = {
  deconvnet: deconvnet,
  guided,
  gradient,
};

export const methodOf = (choice: MethodChoice): Method => methods[choice.id](choice);

/** The method as it stands on figures of a layer: with what was assumed at nodes that the paper has no rule for. */
export function stampOf(choice: MethodChoice, layer: { assumed: number }): string {
  const { label } = methodOf(choice);
  if (layer.assumed === 0 || choice.id === 'gradient') return label;
  return `${label}, smooth activations and gates ${choice.smooth === 'derivative' ? 'by derivative' : 'rectified'}`;
}
