import { keyCaps, type Shortcut } from '../../lib/keys';
import { useApp } from '../../stores/app';
import { useLook, type Theme } from '../../stores/look';
import { useNotices } from '../../stores/notices';
import { usePanels } from '../../stores/panels';
import { usePicker } from '../../stores/picker';
import { useSelection } from '../../stores/selection';
import { views } from '../../views';

/**
 * What the native menu asks for: "home", "new", "open", "demo", "find", "help", "theme:dark", "view:units", or the first
 * key of a shortcut.
 */
export async function runCommand(command: string, shortcuts: readonly Shortcut[]): Promise<void> {
  const selection = useSelection();
  const panels = usePanels();
  const openStudy = (path: string): void => selection.go({ view: 'units', study: path, layer: null, unit: null }, true);
  const [name, value] = command.split(':');
  if (name === 'home') selection.go({ view: 'home' }, true);
  else if (name === 'new') selection.go({ view: 'create', model: null, pictures: null }, true);
  else if (name === 'open') {
    const path = await usePicker().pick('study', 'Open a study');
    if (path !== null) openStudy(path);
  } else if (name === 'demo') {
    const demo = useApp().info?.demo;
    if (demo) openStudy(demo);
  } else if (name === 'find') panels.find = true;
  else if (name === 'help') panels.help = true;
  else if (name === 'theme') useLook().theme = value as Theme;
  else if (name === 'view' && views.some((view) => view.id === value)) selection.go({ view: value ?? 'home' }, true);
  else {
    const shortcut = shortcuts.find((candidate) => candidate.keys[0] === command);
    if (shortcut) shortcut.run(new KeyboardEvent('keydown'));
    else
      useNotices().fail(
        new Error(`The menu asked for "${command}", which this window does not know (${keyCaps(command).join(' ')}).`),
      );
  }
}
