import { browserHost } from './host/browser';
import { desktopHost } from './host/desktop';
import { mountWindow } from './mount';

mountWindow(window.unpool ? desktopHost(window.unpool) : browserHost(), '#app');
