import { throwIfCancelled } from '../../core/errors';
import {
  cosinesTo,
  deadFilters,
  filterBank,
  filterNorms,
  nearestFilters,
  type FilterBank,
} from '../../core/program/filters';
import { layerIn } from '../cache/passes';
import { existing } from '../study/paths';
import { checkUnit } from './units';
import type { Context, Group } from './context';

/** Values of a filter that are sent to be shown. */
const mostValues = 16384;
/** ms of comparing filters before others may ask. */
const slice = 20;

/** The filters of a model's layers. */
export function filterHandlers({ models }: Context): Group<'filters.layer' | 'filters.tiles'> {
  const bankOf = async (file: { path: string; size?: [number, number] | undefined; layer: string }) => {
    const model = await models.load(await existing(file.path, 'file'), file.size);
    const layer = layerIn(model, file.layer);
    return { layer, bank: filterBank(model.network, layer) };
  };
  return {
    async 'filters.layer'({ other, ...file }, { signal, item }) {
      const { layer, bank } = await bankOf(file);
      const norm = filterNorms(bank);
      const steps = nearestFilters(bank, norm);
      let step = steps.next();
      for (let since = performance.now(); !step.done; step = steps.next()) {
        if (performance.now() - since < slice) continue;
        item({ done: step.value, total: bank.units });
        await new Promise(setImmediate);
        throwIfCancelled(signal);
        since = performance.now();
      }
      const { weights, ...facts } = bank;
      return {
        ...facts,
        layer: layer.id,
        peak: weights.reduce((most, value) => Math.max(most, Math.abs(value)), 0),
        norm,
        dead: deadFilters(norm),
        nearest: step.value,
        against: other ? cosinesTo(bank, (await bankOf(other)).bank) : null,
      };
    },

    async 'filters.tiles'({ units, ...file }, { signal, item }) {
      const { layer, bank } = await bankOf(file);
      for (const unit of units) {
        checkUnit(layer, unit);
        throwIfCancelled(signal);
        item({ unit, ...filterOf(bank, unit) });
      }
      return null;
    },
  };
}

function filterOf({ weights, units, inputs, kernel }: FilterBank, unit: number) {
  const length = weights.length / units;
  const area = kernel[0] * kernel[1];
  const shown = Math.min(inputs, Math.max(1, Math.floor(mostValues / area)));
  return { inputs: shown, cut: shown < inputs, data: weights.slice(unit * length, unit * length + shown * area) };
}
