import { browserHost } from './host/browser';
import { mountWindow } from './mount';

mountWindow(browserHost(), '#app');
