import { app } from 'electron';
import { commandNames, main } from './cli';
import { startDesktopShell } from './desktop';
import { ownArguments } from './arguments';

/** Electron's entry: the window, or, where the installed program is given a command, the command line without one. */
const args = ownArguments(process.argv, app.isPackaged ? null : app.getAppPath());

if (args[0] !== undefined && commandNames.includes(args[0])) {
  app.dock?.hide();
  void main(args).then((code) => app.exit(code));
} else startDesktopShell(args);
