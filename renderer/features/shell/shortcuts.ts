import { t } from '../../i18n';
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
    { id: 'find', keys: ['/'], label: t('shell.find'), group: t('shell.groups.window'), run: find },
    {
      keys: ['Mod+k'],
      label: t('shell.shortcuts.findAlways'),
      group: t('shell.groups.window'),
      run: find,
      always: true,
    },
    {
      id: 'theme',
      keys: ['t'],
      label: t('shell.shortcuts.theme'),
      group: t('shell.groups.window'),
      run: () => (look.theme = look.dark ? 'light' : 'dark'),
    },
    {
      id: 'home',
      keys: ['h'],
      label: t('common.home'),
      group: t('shell.groups.window'),
      run: () => selection.go({ view: 'home' }, true),
    },
    {
      id: 'settings',
      keys: ['Mod+,'],
      label: t('settings.title'),
      group: t('shell.groups.window'),
      run: () => (panels.settings = true),
    },
    {
      id: 'help',
      keys: ['?'],
      label: t('shell.shortcuts.help'),
      group: t('shell.groups.window'),
      run: () => (panels.help = true),
    },
  ];
}
