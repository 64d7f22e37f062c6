import type { en } from '../en';
import type { Translated } from '../messages';
import { common } from './common';
import { home } from './home';
import { numbers } from './numbers';

export const ru: Translated<typeof en> = { common, home, numbers };
