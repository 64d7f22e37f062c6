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
    normalise: { refuse: 'its derivative is not in this program' },
    squash: { refuse: 'its derivative is not in this program' },
  },
});
