import { t } from '../../i18n';
import { freshSpec } from '../../lib/freshSpec';
import type { UnitRef } from '../../lib/unitRefs';
import { useFigure } from '../../stores/figure';
import { useNotes } from '../../stores/notes';
import { useNotices } from '../../stores/notices';
import { useSelection } from '../../stores/selection';
import { useStudy } from '../../stores/study';

/** As many rows as a figure can have. */
const most = 200;

/** Composes a new figure of these units, in the order of the network, two columns wide, and shows it. */
export async function figureOfUnits(units: readonly UnitRef[]): Promise<void> {
  const [figure, selection, notices] = [useFigure(), useSelection(), useNotices()];
  const place = new Map(useStudy().scanned.map(({ id }, index) => [id, index]));
  const known = units.filter(({ layer }) => place.has(layer));
  if (known.length === 0) return notices.say(t('figure.noUnits'));
  // Sorting is stable: units of one layer stay in the order that they came in.
  const rows = [...known].sort((a, b) => place.get(a.layer)! - place.get(b.layer)!).slice(0, most);
  await figure.load();
  const spec = freshSpec(
    rows.map(({ layer, unit }) => ({ layer, units: [unit] })),
    { page: 'double', method: selection.route.method },
  );
  figure.create(spec);
  if (known.length > most) notices.say(t('figure.tooMany', { most, n: known.length }));
  selection.go({ view: 'figure' }, true);
}

/** Composes a figure of the units that are pinned. */
export async function figureOfPins(): Promise<void> {
  const pinned = useNotes().list.filter((note) => note.pinned);
  if (pinned.length === 0) return useNotices().say(t('figure.noPins'));
  await figureOfUnits(pinned);
}
