import { t } from '../i18n';
import type { FileEntry } from '../../preload/contract';
import { useHost, type Host } from '../host/host';
import { useDraft } from '../stores/draft';
import { useNotices } from '../stores/notices';
import { useSelection } from '../stores/selection';

/** The folder that a path lies in; the root for itself. */
export function parentOf(path: string): string {
  const trimmed = plainPath(path);
  const at = Math.max(trimmed.lastIndexOf('/'), trimmed.lastIndexOf('\\'));
  if (at < 0) return '';
  // "C:\pictures" lies in "C:\", "/pictures" in "/".
  return at === 0 || trimmed[at - 1] === ':' ? trimmed.slice(0, at + 1) : trimmed.slice(0, at);
}

const plainPath = (path: string): string => path.replace(/[\\/]+$/, '');

/** What lies at a path of the engine's machine. Rejects where its folder cannot be read. */
export async function kindAt({ client }: Host, path: string): Promise<FileEntry['kind']> {
  const listing = await client.call('files.list', { path: parentOf(path) });
  return listing.entries.find((entry) => entry.path === plainPath(path))?.kind ?? 'other';
}

/** Opens what was dropped or handed over: a study is opened; models and folders of pictures begin a new one. */
export async function openPaths(paths: readonly string[]): Promise<void> {
  const host = useHost();
  const selection = useSelection();
  const draft = useDraft();
  const notices = useNotices();
  for (const path of paths) {
    try {
      const plain = plainPath(path);
      const kind = await kindAt(host, path);
      if (kind === 'study') {
        selection.openStudy(plain);
        return;
      }
      if (kind === 'other' || kind === 'picture') {
        notices.fail(
          Object.assign(new Error(), {
            info: {
              code: 'not-openable',
              message: kind === 'picture' ? t('shell.drop.picture') : t('shell.drop.other'),
              hint: t('shell.drop.otherHint'),
              place: { file: plain },
            },
          }),
        );
        continue;
      }
      if (selection.route.view !== 'create') selection.go({ view: 'create', model: null, pictures: null }, true);
      if (kind === 'model') void draft.setModel(plain);
      else void draft.setPictures(plain);
    } catch (thrown) {
      notices.fail(thrown);
    }
  }
}
