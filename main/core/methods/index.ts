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
