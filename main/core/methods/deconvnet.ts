import { adjoint, rectified, rectifier, through, type Method } from './method';

/**
 * The deconvnet: unpool by switches, rectify the signal, filter with the transposed filters.
 * Source: M. Zeiler, R. Fergus (1311.2901), section 2.1.
 * @param leaky what to do at a LeakyRelu: `strict` rectifies as the paper's ReLU does, `own` applies the leaky function.
 */
export const deconvnet = (leaky: 'strict' | 'own'): Method => ({
  id: 'deconvnet',
  label: leaky === 'own' ? 'deconvnet, leaky on the way back' : 'deconvnet',
  rules: {
    linear: adjoint('transposed filters, no bias'),
    rectifier: rectifier(
      leaky === 'own' ? 'the rectifier’s own function of the signal' : 'rectify the signal',
      (op, step) => (leaky === 'own' && op.own ? op.own(step) : rectified(step)),
    ),
    select: adjoint('unpool by switches'),
    shape: adjoint('moved back'),
    normalise: through,
    squash: { refuse: 'the deconvnet has no rule for it' },
  },
});
