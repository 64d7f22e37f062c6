import { adjoint, masked, rectifier, type Method } from './method';

/** The plain gradient of the unit, times its activation (the seed). */
export const gradient = (): Method => ({
  id: 'gradient',
  label: 'gradient',
  rules: {
    linear: adjoint('transposed filters'),
    rectifier: rectifier('mask by the forward derivative', (op, step) => masked(op, step, step.signal)),
    select: adjoint('unpool by switches'),
    shape: adjoint('moved back'),
    smooth: rectifier('its derivative', (op, step) => masked(op, step, step.signal)),
    gate: adjoint('its derivative, into both factors'),
    normalise: adjoint('its derivative'),
    squash: { refuse: 'its derivative is not in this program' },
  },
});
