import { app, Menu, type MenuItemConstructorOptions } from 'electron';
import type { MenuModel, MenuName } from '../preload/contract';

type Role = NonNullable<MenuItemConstructorOptions['role']>;

/** Until the window has said what it can do. */
const bare: MenuModel = {
  titles: { file: 'File', edit: 'Edit', view: 'View', go: 'Go', window: 'Window', help: 'Help' },
  roles: {},
  items: [],
};

/** The native menu: the window's commands, which it sends in its language, and what every program of the system has. */
export function setMenu(model: MenuModel | null, send: (command: string) => void): void {
  const { titles, roles, items } = model ?? bare;
  const mac = process.platform === 'darwin';
  const role = (name: Role): MenuItemConstructorOptions => ({
    role: name,
    ...(roles[name] && { label: roles[name] }),
  });
  const line: MenuItemConstructorOptions = { type: 'separator' };
  const of = (menu: MenuName): MenuItemConstructorOptions[] =>
    items
      .filter((item) => item.menu === menu)
      .map(({ id, label, accelerator }) => ({
        label,
        ...(accelerator && { accelerator }),
        click: () => send(id),
      }));
  const template: MenuItemConstructorOptions[] = [
    ...(mac ? [{ role: 'appMenu' } as const] : []),
    { label: `&${titles.file}`, submenu: [...of('file'), line, mac ? role('close') : role('quit')] },
    {
      label: `&${titles.edit}`,
      submenu: [
        ...(['undo', 'redo'] as const).map(role),
        line,
        ...(['cut', 'copy', 'paste', 'selectAll'] as const).map(role),
        ...(of('edit').length ? [line, ...of('edit')] : []),
      ],
    },
    {
      label: `&${titles.view}`,
      submenu: [
        ...of('view'),
        line,
        ...(['resetZoom', 'zoomIn', 'zoomOut'] as const).map(role),
        line,
        role('togglefullscreen'),
        ...(app.isPackaged ? [] : [role('toggleDevTools')]),
      ],
    },
    { label: `&${titles.go}`, submenu: of('go') },
    { label: `&${titles.window}`, role: 'windowMenu' },
    {
      label: `&${titles.help}`,
      role: 'help',
      submenu: [...of('help'), { label: `Unpool ${app.getVersion()}`, enabled: false }],
    },
  ];
  Menu.setApplicationMenu(
    Menu.buildFromTemplate(template.filter(({ submenu }) => !Array.isArray(submenu) || submenu.length)),
  );
}
