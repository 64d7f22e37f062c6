import { defineStore } from 'pinia';
import { computed } from 'vue';
import { t } from '../i18n';
import { readRefs, refKey, writeRefs, type UnitRef } from '../lib/unitRefs';
import { useNotices } from './notices';
import { useSelection } from './selection';
import { useStudy } from './study';

/** So many units stand side by side. */
export const mostCompared = 6;
/** Fewer than two are not compared. */
const fewest = 2;

export const compareScales = ['each', 'all'] as const;
/** Each unit's reconstructions on a scale of their own, or all on one. */
export type CompareScale = (typeof compareScales)[number];

/**
 * The units that are chosen to stand side by side, of one layer or of several, and whether they do. It lives in the
 * address: `compare=conv3:5,conv4:12`, and `comparing=each` (or `all`, the scale) where they are looked at.
 */
export const useCompare = defineStore('compare', () => {
  const selection = useSelection();
  const study = useStudy();
  const notices = useNotices();

  const units = computed<UnitRef[]>(() => {
    const sizes = new Map(study.scanned.map((layer) => [layer.id, layer.units]));
    return readRefs(selection.route.more['compare'] ?? '')
      .filter(({ layer, unit }) => unit < (sizes.get(layer) ?? 0))
      .slice(0, mostCompared);
  });
  const keys = computed(() => new Set(units.value.map(refKey)));
  const has = (layer: string, unit: number): boolean => keys.value.has(refKey({ layer, unit }));
  const enough = computed(() => units.value.length >= fewest);
  const asked = computed(() => compareScales.find((scale) => scale === selection.route.more['comparing']) ?? null);
  const isOpen = computed(() => enough.value && asked.value !== null);
  const scale = computed(() => asked.value ?? 'each');

  /** What the address says beside the comparison, and the comparison. */
  function more(list: readonly UnitRef[], as: CompareScale | null): Record<string, string> {
    const { compare: _, comparing: __, ...others } = selection.route.more;
    return {
      ...others,
      ...(list.length > 0 && { compare: writeRefs(list) }),
      ...(list.length >= fewest && as && { comparing: as }),
    };
  }
  const write = (list: readonly UnitRef[]): void => selection.go({ more: more(list, asked.value) }, 'settled');

  /** Adds them in their order, those that still fit; says where they do not. */
  function add(refs: readonly UnitRef[]): void {
    const fresh = refs.filter((ref) => !keys.value.has(refKey(ref)));
    const fits = fresh.slice(0, mostCompared - units.value.length);
    if (fits.length > 0) write([...units.value, ...fits]);
    const full = t('compare.full', { most: mostCompared });
    // One click after another says it once.
    if (fits.length < fresh.length && !notices.list.some(({ text }) => text === full)) notices.say(full);
  }

  function remove(layer: string, unit: number): void {
    const key = refKey({ layer, unit });
    write(units.value.filter((ref) => refKey(ref) !== key));
  }

  function toggle(layer: string, unit: number): void {
    if (has(layer, unit)) remove(layer, unit);
    else add([{ layer, unit }]);
  }

  /** From the unit that is selected to this one, in the order on the screen. */
  function addRange(to: number): void {
    const { layer, order, unit } = selection;
    if (!layer) return;
    const [from, until] = [unit === null ? -1 : order.indexOf(unit), order.indexOf(to)];
    const range = from < 0 ? [to] : order.slice(Math.min(from, until), Math.max(from, until) + 1);
    // From where it began: what does not fit is the far end.
    if (from > until) range.reverse();
    add(range.map((each) => ({ layer: layer.id, unit: each })));
  }

  function toggleSelected(): void {
    const { layer, unit } = selection;
    if (layer && unit !== null) toggle(layer.id, unit);
  }

  function open(): void {
    if (enough.value) selection.go({ view: 'units', more: more(units.value, scale.value) }, true);
  }
  const setScale = (next: CompareScale): void => selection.go({ more: more(units.value, next) }, 'settled');
  /** Back to the grid, where given to one of the units. */
  const leave = (to: Partial<UnitRef> = {}, push = true): void =>
    selection.go({ ...to, more: more(units.value, null) }, push);
  const clear = (): void => selection.go({ more: more([], null) }, true);

  return {
    units,
    enough,
    isOpen,
    scale,
    has,
    add,
    remove,
    toggle,
    addRange,
    toggleSelected,
    open,
    setScale,
    leave,
    clear,
  };
});
