import type { MethodChoice } from '../../../preload/contract';
import { adjoint, masked, rectified, rectifier, smoothRules, type Method } from './method';

/** Guided backprop: at a rectifier both the forward mask and the rectified signal. Source: J. Springenberg et al. (1412.6806). */
export const guided = ({ smooth }: Pick<MethodChoice, 'smooth'>): Method => ({
  id: 'guided',
  label: 'guided backprop',
  rules: {
    linear: adjoint('transposed filters'),
    rectifier: rectifier('rectify the signal, then mask by the forward derivative', (op, step) =>
      masked(op, step, rectified(step)),
    ),
    select: adjoint('unpool by switches'),
    shape: adjoint('moved back'),
    normalise: adjoint('its derivative'),
    ...smoothRules(smooth, 'guided backprop'),
    squash: { refuse: 'guided backprop has no rule for it here' },
  },
});
