import { t } from '../../i18n';
import type { Shortcut } from '../../lib/keys';
import { useApp } from '../../stores/app';
import { useNotices } from '../../stores/notices';
import { usePicker } from '../../stores/picker';
import { useSelection } from '../../stores/selection';

/** Does what the native menu asks for: "new", "open", "demo", or the id of a shortcut. One that has no use here does nothing. */
export async function runCommand(command: string, shortcuts: readonly Shortcut[]): Promise<void> {
  const selection = useSelection();
  const openStudy = (path: string): void => selection.go({ view: 'units', study: path, layer: null, unit: null }, true);
  if (command === 'new') selection.go({ view: 'create', model: null, pictures: null }, true);
  else if (command === 'demo') {
    const demo = useApp().info?.demo;
    if (demo) openStudy(demo);
  } else if (command === 'open') {
    const path = await usePicker().pick('study', t('home.openStudy')).catch(useNotices().fail);
    if (path) openStudy(path);
  } else shortcuts.find((shortcut) => shortcut.id === command)?.run(new KeyboardEvent('keydown'));
}
