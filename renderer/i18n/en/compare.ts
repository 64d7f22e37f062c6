/** Units side by side. */
export const compare = {
  title: 'Comparison',
  compare: 'Compare',
  toFigure: 'To figure',
  clear: 'Clear',
  back: 'Back to the grid',
  chosen: '{name}, in the comparison',
  full: 'At most {most} units stand side by side: the rest is left out.',
  add: 'Add unit {unit} to the comparison',
  addHint: 'Add to the comparison (Alt-click on the tile does it, too)',
  remove: 'Remove {name} from the comparison',
  goTo: 'Go to {name}',
  scale: {
    label: 'Scale of the units',
    each: { name: 'Each unit', hint: 'Each unit has a scale of its own: weak ones can be seen' },
    all: { name: 'One scale', hint: 'All units share one scale: strengths can be compared' },
  },
  maximum: 'Maximum',
  best: 'Best class',
  selectivity: 'Selectivity',
  keys: {
    toggle: 'Choose for comparison (Ctrl-click; Shift-click: a range)',
    open: 'Compare the chosen units',
    clear: 'Choose no unit for comparison',
    leave: 'Back to the grid',
    figure: 'Compose a figure of them',
  },
};
