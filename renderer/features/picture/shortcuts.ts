import { t } from '../../i18n';
import type { Shortcut } from '../../lib/keys';
import { useLook } from '../../stores/look';
import { usePicture } from '../../stores/picture';
import { useSelection } from '../../stores/selection';

export function pictureShortcuts(): Shortcut[] {
  const picture = usePicture();
  const selection = useSelection();
  const look = useLook();
  const group = t('picture.title');
  const layers = t('shell.groups.layers');
  const grid = t('shell.groups.grid');
  return [
    { id: 'picture-before', keys: ['ArrowLeft'], label: t('picture.before'), group, run: () => picture.step(-1) },
    { id: 'picture-after', keys: ['ArrowRight'], label: t('picture.after'), group, run: () => picture.step(1) },
    { keys: ['Home'], label: t('picture.first'), group, run: () => picture.step(-Infinity) },
    { keys: ['End'], label: t('picture.last'), group, run: () => picture.step(Infinity) },
    { keys: ['Escape'], label: t('picture.noRegion'), group, run: () => (picture.region = null) },
    { keys: ['c'], label: t('picture.overlay'), group, run: () => (picture.camShown = !picture.camShown) },
    {
      keys: ['[', 'PageUp', 'Alt+ArrowUp'],
      label: t('units.keys.layerBefore'),
      group: layers,
      run: () => selection.stepLayer(-1),
    },
    {
      keys: [']', 'PageDown', 'Alt+ArrowDown'],
      label: t('units.keys.layerAfter'),
      group: layers,
      run: () => selection.stepLayer(1),
    },
    {
      keys: ['u'],
      label: t('picture.inUnits'),
      group: t('shell.groups.unit'),
      run: () => {
        if (picture.cell) selection.go({ view: 'units', unit: picture.cell.unit }, true);
      },
    },
    { keys: ['+', '='], label: t('units.grid.larger'), group: grid, run: () => look.zoom(1) },
    { keys: ['-'], label: t('units.grid.smaller'), group: grid, run: () => look.zoom(-1) },
  ];
}
