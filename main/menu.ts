import { app, Menu, type MenuItemConstructorOptions } from 'electron';

/** The native menu. Its own items send commands to the window, which knows what they mean there. */
export function setMenu(send: (command: string) => void): void {
  const mac = process.platform === 'darwin';
  const item = (label: string, command: string, accelerator?: string): MenuItemConstructorOptions => ({
    label,
    ...(accelerator && { accelerator }),
    click: () => send(command),
  });
  const template: MenuItemConstructorOptions[] = [
    ...(mac ? [{ role: 'appMenu' } as const] : []),
    {
      label: '&File',
      submenu: [
        item('New Study…', 'new', 'CmdOrCtrl+N'),
        item('Open Study…', 'open', 'CmdOrCtrl+O'),
        item('Home', 'home', 'CmdOrCtrl+Shift+H'),
        { type: 'separator' },
        item('Settings…', 'settings', 'CmdOrCtrl+,'),
        { type: 'separator' },
        mac ? { role: 'close' } : { role: 'quit' },
      ],
    },
    { role: 'editMenu' },
    {
      label: '&View',
      submenu: [
        item('Find Layer or Unit', 'find', 'CmdOrCtrl+F'),
        item('Light or Dark', 't'),
        { type: 'separator' },
        { role: 'resetZoom' },
        { role: 'zoomIn' },
        { role: 'zoomOut' },
        { type: 'separator' },
        { role: 'togglefullscreen' },
        ...(app.isPackaged ? [] : [{ role: 'toggleDevTools' } as const]),
      ],
    },
    { role: 'windowMenu' },
    { role: 'help', submenu: [item('Keys', 'help'), { label: `Unpool ${app.getVersion()}`, enabled: false }] },
  ];
  Menu.setApplicationMenu(Menu.buildFromTemplate(template));
}
