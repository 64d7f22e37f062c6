import { menuNames, type MenuModel, type MenuName } from '../../../preload/contract';
import { t } from '../../i18n';
import { acceleratorOf, type Shortcut } from '../../lib/keys';

const roles = [
  'undo',
  'redo',
  'cut',
  'copy',
  'paste',
  'selectAll',
  'resetZoom',
  'zoomIn',
  'zoomOut',
  'togglefullscreen',
  'quit',
  'close',
] as const;

/** The commands that stand in the native menu, and its words, in the window's language. */
export function menuModel(commands: readonly Shortcut[]): MenuModel {
  const titles = Object.fromEntries(menuNames.map((name) => [name, t(`shell.menu.${name}`)])) as Record<
    MenuName,
    string
  >;
  return {
    titles,
    roles: Object.fromEntries(roles.map((role) => [role, t(`shell.roles.${role}`)])),
    items: commands.flatMap(({ id, menu, label, keys }) =>
      id !== undefined && menu ? [{ id, menu, label, accelerator: acceleratorOf(keys) }] : [],
    ),
  };
}
