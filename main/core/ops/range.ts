import { nd, type Nd } from './nd';
import { inputName, need, type Op } from './op';

const counted = (start: number, limit: number, step: number): number => {
  if (step === 0) throw new RangeError('its step is zero');
  return Math.max(0, Math.ceil((limit - start) / step));
};
const scalar = (value: Nd | undefined, what: string): number => need(value?.data[0], what);
const bounds = ['the start', 'the limit', 'the step'];

/** start, start + step, ... below limit: places, such as those of the pictures of a batch. It carries no signal. */
export const range: Op = {
  role: 'shape',
  shapes(node, _inputs, known) {
    const [start, limit, step] = bounds.map((what, i) => scalar(known.constant(inputName(node, i)), what));
    return [[counted(start!, limit!, step!)]];
  },
  evaluate(_node, inputs) {
    const [start, limit, step] = bounds.map((what, i) => scalar(inputs[i], what)) as [number, number, number];
    const values = Float64Array.from({ length: counted(start, limit, step) }, (_, i) => start + i * step);
    return [nd([values.length], values, inputs[0]!.type)];
  },
  refuses: () => 'it makes numbers from bounds, not from a map',
};
