import type { MethodChoice } from '../../../preload/contract';
import { adjoint, rectified, rectifier, smoothRules, through, type Method } from './method';

/**
 * The deconvnet: unpool by switches, rectify the signal, filter with the transposed filters.
 * Source: M. Zeiler, R. Fergus (1311.2901), section 2.1.
 * `leaky`: what to do at a LeakyRelu: `strict` rectifies as the paper's ReLU does, `own` applies the leaky function.
 * `smooth`: what to do where the paper has no rule.
 */
export const deconvnet = ({ leaky, smooth }: Pick<MethodChoice, 'leaky' | 'smooth'>): Method => ({
  id: 'deconvnet',
  label: `deconvnet${leaky === 'own' ? ', leaky on the way back' : ''}`,
  rules: {
    linear: adjoint('transposed filters, no bias'),
    rectifier: rectifier(
      leaky === 'own' ? 'the rectifier’s own function of the signal' : 'rectify the signal',
      (op, step) => (leaky === 'own' && op.own ? op.own(step) : rectified(step)),
    ),
    select: adjoint('unpool by switches'),
    shape: adjoint('moved back'),
    normalise: through,
    ...smoothRules(smooth, 'deconvnet'),
    squash: { refuse: 'the deconvnet has no rule for it' },
  },
});
