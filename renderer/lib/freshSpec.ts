import { newSpec, type FigureSpec } from '../../main/core/figures/spec';
import { language } from '../i18n';

/** A new figure of these rows, which speaks the window's language. */
export const freshSpec = (
  rows: Parameters<typeof newSpec>[0] = [],
  more: Parameters<typeof newSpec>[1] = {},
): FigureSpec => newSpec(rows, { language: language.value, ...more });
