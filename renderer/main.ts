import { browserHost } from './host/browser';
import { desktopHost } from './host/desktop';
import { mountWindow } from './mount';

mountWindow(window.unpool ? await desktopHost(window.unpool) : await browserHost(), '#app');
