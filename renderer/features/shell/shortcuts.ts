import type { Shortcut } from '../../lib/keys';
import { useLook } from '../../stores/look';
import { usePanels } from '../../stores/panels';
import { useSelection } from '../../stores/selection';
import { useStudy } from '../../stores/study';

/** Shortcuts that work in every view. */
export function appShortcuts(): Shortcut[] {
  const panels = usePanels();
  const selection = useSelection();
  const study = useStudy();
  const look = useLook();
  const find = (): void => {
    if (study.info) panels.find = true;
  };
  return [
    { id: 'find', keys: ['/'], label: 'Find a layer or unit', group: 'Window', run: find },
    { keys: ['Mod+k'], label: 'Find, from a field too', group: 'Window', run: find, always: true },
    {
      id: 'theme',
      keys: ['t'],
      label: 'Light or dark',
      group: 'Window',
      run: () => (look.theme = look.dark ? 'light' : 'dark'),
    },
    { id: 'home', keys: ['h'], label: 'Home', group: 'Window', run: () => selection.go({ view: 'home' }, true) },
    { id: 'help', keys: ['?'], label: 'These keys', group: 'Window', run: () => (panels.help = true) },
  ];
}
