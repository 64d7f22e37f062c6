import { t } from '../../../i18n';
import type { Shortcut } from '../../../lib/keys';

/** The keys of the graph, which reads them itself (NetworkCanvas), for the sheet of keys. */
export function networkKeys(): Shortcut[] {
  const key = (keys: string[], label: string): Shortcut => ({
    keys,
    label,
    group: t('network.keys.group'),
    listed: true,
    run: () => undefined,
  });
  return [
    key(['ArrowUp', 'ArrowDown'], t('network.keys.along')),
    key(['ArrowLeft', 'ArrowRight'], t('network.keys.across')),
    key(['Enter'], t('network.keys.choose')),
    key(['Backspace'], t('network.keys.close')),
    key(['+', '-'], t('network.keys.zoom')),
    key(['0'], t('network.keys.fit')),
  ];
}
