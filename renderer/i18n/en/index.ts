import { common } from './common';
import { home } from './home';
import { numbers } from './numbers';

/** One line for each feature. */
export const en = { common, home, numbers };
