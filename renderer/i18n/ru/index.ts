import type { en } from '../en';
import type { Translated } from '../messages';
import { catalogue } from './catalogue';
import { common } from './common';
import { compare } from './compare';
import { create } from './create';
import { figure } from './figure';
import { files } from './files';
import { filters } from './filters';
import { home } from './home';
import { network } from './network';
import { numbers } from './numbers';
import { picture } from './picture';
import { rules } from './rules';
import { settings } from './settings';
import { shell } from './shell';
import { unit } from './unit';
import { units } from './units';

export const ru: Translated<typeof en> = {
  catalogue,
  common,
  compare,
  create,
  figure,
  files,
  filters,
  home,
  network,
  numbers,
  picture,
  rules,
  settings,
  shell,
  unit,
  units,
};
