import { computed } from 'vue';
import type { Box } from '../../preload/contract';
import { useSelection } from './selection';
import { useStudy } from './study';

/** What the Picture view keeps in the address, by names of its own. */
type Part = 'picture' | 'cell' | 'region' | 'cam' | 'overlay' | 'maps';

/** Whole numbers with points between, as the address holds places; null where it is anything else. */
const numbers = (text: string | undefined): number[] | null =>
  text !== undefined && /^\d{1,9}(\.\d{1,9})*$/.test(text) ? text.split('.').map(Number) : null;

/** Which picture is on the screen and what is looked at in it, as the address says. */
export function usePictureAddress() {
  const study = useStudy();
  const selection = useSelection();
  const said = (part: Part): string | undefined => selection.route.more[part];

  const count = computed(() => study.info?.pictures.count ?? 0);
  /** Its number in the study, or the key of one that was handed over. */
  const source = computed<number | string>(() => {
    const picture = said('picture');
    if (picture !== undefined && /^[0-9a-f]{32}$/.test(picture)) return picture;
    return Math.min(numbers(picture)?.[0] ?? 0, Math.max(0, count.value - 1));
  });
  /** [unit], or [unit, row, column] of a cell; null where none is named. */
  const named = computed(() => numbers(said('cell')));
  /** In px of the network's input; null where nothing is marked. */
  const region = computed<Box | null>((old) => {
    const box = numbers(said('region'));
    const [height, width] = study.info?.preprocessing.size ?? [0, 0];
    if (box?.length !== 4) return null;
    const next = box as Box;
    if (next[0] >= next[2] || next[1] >= next[3] || next[2] > height || next[3] > width) return null;
    // The same object while it says the same: else every step to another cell would ask anew what answers to it.
    return old?.join() === next.join() ? old : next;
  });
  /** The class that was chosen for Grad-CAM. */
  const camChosen = computed(() => numbers(said('cam'))?.[0] ?? null);
  const camShown = computed({
    get: () => said('overlay') === '1',
    set: (shown) => put({ overlay: shown ? '1' : undefined }),
  });
  const mapScale = computed<'own' | 'shared'>({
    get: () => (said('maps') === 'shared' ? 'shared' : 'own'),
    set: (scale) => put({ maps: scale === 'own' ? undefined : scale }),
  });

  const more = (change: Partial<Record<Part, string | undefined>>): Record<string, string> =>
    Object.fromEntries(
      Object.entries({ ...selection.route.more, ...change }).filter(
        (entry): entry is [string, string] => entry[1] !== undefined,
      ),
    );
  function put(change: Partial<Record<Part, string | undefined>>): void {
    selection.go({ more: more(change) });
  }
  /** Marks a region of the network's input, to whole px; null takes it away. */
  function setRegion(box: Box | null): void {
    put({ region: box?.map(Math.round).join('.') });
  }
  /** A region in the middle, to begin with where there is no pointer. */
  function markRegion(): void {
    const [height, width] = study.info?.preprocessing.size ?? [0, 0];
    setRegion([height * 0.375, width * 0.375, height * 0.625, width * 0.625]);
  }
  /** Grad-CAM of this class, in other pictures too; where it is of that already, of the most likely one again. */
  function setCam(chosen: number): void {
    put({ cam: camChosen.value === chosen ? undefined : String(chosen) });
  }

  return { count, source, named, region, camChosen, camShown, mapScale, more, setRegion, markRegion, setCam };
}
