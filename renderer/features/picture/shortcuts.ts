import { t } from '../../i18n';
import type { Shortcut } from '../../lib/keys';
import { useLook } from '../../stores/look';
import { usePicture } from '../../stores/picture';
import { useSelection } from '../../stores/selection';

const directions: Record<string, readonly [number, number]> = {
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
};
const arrows = Object.keys(directions);
const shifted = arrows.map((key) => `Shift+${key}`);

export function pictureShortcuts(): Shortcut[] {
  const picture = usePicture();
  const selection = useSelection();
  const look = useLook();
  const group = t('picture.title');
  const layers = t('shell.groups.layers');
  const grid = t('shell.groups.grid');
  const maps = t('picture.maps');
  return [
    { id: 'picture-before', keys: ['ArrowLeft'], label: t('picture.before'), group, run: () => picture.step(-1) },
    { id: 'picture-after', keys: ['ArrowRight'], label: t('picture.after'), group, run: () => picture.step(1) },
    { keys: ['Home'], label: t('picture.first'), group, run: () => picture.step(-Infinity) },
    { keys: ['End'], label: t('picture.last'), group, run: () => picture.step(Infinity) },
    { id: 'picture-find', keys: ['g'], label: t('picture.find.title'), group, run: () => (picture.finding = true) },
    {
      id: 'picture-region',
      keys: ['r'],
      label: t('picture.keys.region'),
      group,
      run: () => {
        if (!picture.region) picture.markRegion();
        document.getElementById('picture-stage')?.focus();
      },
    },
    { keys: arrows, label: t('picture.keys.moveRegion'), group, listed: true, run: () => undefined },
    { keys: shifted, label: t('picture.keys.resizeRegion'), group, listed: true, run: () => undefined },
    { keys: ['Escape'], label: t('picture.noRegion'), group, run: () => picture.setRegion(null) },
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
    { keys: ['ArrowUp'], label: t('picture.keys.stronger'), group: maps, run: () => picture.stepUnit(-1) },
    { keys: ['ArrowDown'], label: t('picture.keys.weaker'), group: maps, run: () => picture.stepUnit(1) },
    {
      keys: shifted,
      label: t('picture.keys.cell'),
      group: maps,
      run: ({ key }) => picture.moveCell(...directions[key]!),
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
