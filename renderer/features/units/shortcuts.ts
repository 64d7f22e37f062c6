import { t } from '../../i18n';
import { methodIds } from '../../../preload/contract';
import type { Shortcut } from '../../lib/keys';
import { useCompare } from '../../stores/compare';
import { useLook } from '../../stores/look';
import { useNotes } from '../../stores/notes';
import { usePanels } from '../../stores/panels';
import { useRender } from '../../stores/render';
import { useSelection } from '../../stores/selection';
import { useUnit } from '../../stores/unit';
import { chooseShortcuts, compareShortcuts } from './compare/shortcuts';
import { useGridShape } from './grid/gridShape';
import { methodName } from './methods';
import { networkKeys } from './network/keys';
import { addToFigure } from './unit/addToFigure';
import { saveFigure } from './unit/saveFigure';

export function unitsShortcuts(): Shortcut[] {
  const selection = useSelection();
  const panels = usePanels();
  const look = useLook();
  const unit = useUnit();
  const grid = useGridShape();
  const notes = useNotes();
  const render = useRender();
  const move = (key: string, label: string, by: () => number): Shortcut => ({
    keys: [key],
    label,
    group: t('shell.groups.units'),
    run: () => selection.step(by()),
  });
  const methods = methodIds.map((id, place) => ({
    keys: [String(place + 1)],
    label: methodName(id),
    group: t('shell.groups.unit'),
    run: () => selection.setMethod(id),
  }));
  // The grid and the unit are not on the screen then.
  if (useCompare().isOpen) return [...compareShortcuts(), ...methods];
  return [
    move('ArrowLeft', t('units.keys.left'), () => -1),
    move('ArrowRight', t('units.keys.right'), () => 1),
    move('ArrowUp', t('units.keys.above'), () => -grid.columns),
    move('ArrowDown', t('units.keys.below'), () => grid.columns),
    move('Home', t('units.keys.first'), () => -Infinity),
    move('End', t('units.keys.last'), () => Infinity),
    {
      keys: ['[', 'PageUp', 'Alt+ArrowUp'],
      label: t('units.keys.layerBefore'),
      group: t('shell.groups.layers'),
      run: () => selection.stepLayer(-1),
    },
    {
      keys: [']', 'PageDown', 'Alt+ArrowDown'],
      label: t('units.keys.layerAfter'),
      group: t('shell.groups.layers'),
      run: () => selection.stepLayer(1),
    },
    {
      id: 'network',
      keys: ['l'],
      label: t('network.toggle'),
      group: t('shell.groups.layers'),
      run: () => (look.layersAs = look.layersAs === 'graph' ? 'list' : 'graph'),
    },
    {
      keys: ['Enter'],
      label: t('units.keys.picture'),
      group: t('shell.groups.unit'),
      run: () => {
        if (unit.top.length > 0) panels.picture = 0;
      },
    },
    {
      keys: ['f'],
      label: t('figure.addKey'),
      group: t('shell.groups.unit'),
      run: () => void addToFigure(),
    },
    {
      keys: ['n'],
      label: t('units.notes.keyNote'),
      group: t('shell.groups.unit'),
      run: () => document.getElementById('unit-note')?.focus(),
    },
    {
      keys: ['g'],
      label: t('units.notes.keyTag'),
      group: t('shell.groups.unit'),
      run: () => document.getElementById('unit-tag')?.focus(),
    },
    {
      keys: ['s'],
      label: t('units.notes.pin'),
      group: t('shell.groups.unit'),
      run: () => {
        if (selection.layer && selection.unit !== null) notes.togglePin(selection.layer.id, selection.unit);
      },
    },
    { id: 'undo', keys: ['Mod+z'], label: t('units.notes.undo'), group: t('shell.groups.unit'), run: notes.undo },
    {
      id: 'redo',
      keys: ['Mod+Shift+Z', 'Mod+y'],
      label: t('units.notes.redo'),
      group: t('shell.groups.unit'),
      run: notes.redo,
    },
    {
      id: 'export-notes',
      keys: [],
      label: t('units.notes.export'),
      group: t('shell.groups.unit'),
      run: () => void notes.exportCsv(),
    },
    {
      id: 'save-figure',
      keys: ['Mod+s'],
      label: t('units.keys.save'),
      group: t('shell.groups.unit'),
      always: true,
      run: () => void saveFigure(),
    },
    ...methods,
    {
      keys: ['p'],
      label: t('units.keys.patch'),
      group: t('shell.groups.grid'),
      run: () => selection.go({ show: 'patch' }),
    },
    {
      keys: ['r'],
      label: t('units.keys.reconstruction'),
      group: t('shell.groups.grid'),
      run: () => selection.go({ show: 'reconstruction' }),
    },
    {
      keys: ['b'],
      label: t('units.keys.both'),
      group: t('shell.groups.grid'),
      run: () => selection.go({ show: 'both' }),
    },
    {
      keys: ['m'],
      label: t('units.keys.mean'),
      group: t('shell.groups.grid'),
      run: () => selection.go({ show: 'mean' }),
    },
    {
      id: 'filters',
      keys: ['Shift+f'],
      label: t('units.filter.title'),
      group: t('shell.groups.grid'),
      run: () => (panels.filters = !panels.filters),
    },
    {
      id: 'clear-filters',
      keys: [],
      label: t('units.filter.clear'),
      group: t('shell.groups.grid'),
      run: () => selection.clearFilter(),
    },
    {
      id: 'render',
      keys: ['Shift+r'],
      label: t('units.grid.render'),
      group: t('shell.groups.grid'),
      run: () => void render.start(),
    },
    ...chooseShortcuts(),
    ...(look.layersAs === 'graph' ? networkKeys() : []),
    { keys: ['+', '='], label: t('units.grid.larger'), group: t('shell.groups.grid'), run: () => grid.zoom(1) },
    { keys: ['-'], label: t('units.grid.smaller'), group: t('shell.groups.grid'), run: () => grid.zoom(-1) },
  ];
}
