import type { ScanPhase, StudyInfo } from '../../../preload/contract';
import { useHost } from '../../host/host';
import { t } from '../../i18n';
import { useApp } from '../../stores/app';
import { useDraft } from '../../stores/draft';
import { useNotices } from '../../stores/notices';
import { usePanels } from '../../stores/panels';
import { usePicker } from '../../stores/picker';
import { useSelection } from '../../stores/selection';
import { useStudy } from '../../stores/study';

export interface StudyAction {
  id: string;
  label: string;
  danger?: boolean;
  run: () => void;
}

interface Named {
  path: string;
  name: string;
  missing: boolean;
  demo?: boolean;
}

/** Whether pictures can be added: to a study that is done, whose folder is there and which is not the demo. */
export const canGrow = ({ demo, pictures }: StudyInfo, phase: ScanPhase | undefined): boolean =>
  phase === 'done' && !demo && !pictures.missing;

/** What can be done with a study as a whole. */
export function useStudyActions(): {
  of(named: Named, info?: StudyInfo): StudyAction[];
  relocate(info: StudyInfo, what: 'model' | 'pictures'): void;
  /** Asks where a study that is not there any more lies now, and opens it. */
  locate(named: Named): void;
  /** Looks for pictures that were added to the folder of a study that is done, and scans them. */
  grow(info: StudyInfo): Promise<void>;
} {
  const host = useHost();
  const app = useApp();
  const draft = useDraft();
  const notices = useNotices();
  const panels = usePanels();
  const picker = usePicker();
  const selection = useSelection();
  const study = useStudy();
  const { client } = host;
  const told = (work: Promise<void>): void => void work.catch(notices.fail);

  /** A new study of the same model and pictures; its preprocessing is there to be changed. */
  async function duplicate({ path }: Named, known?: StudyInfo): Promise<void> {
    const info = known ?? (await client.call('study.open', { path }));
    draft.reset();
    selection.go({ view: 'create', model: info.model.path, pictures: info.pictures.path }, true);
    draft.name = t('home.actions.copyOf', { name: info.name });
    await Promise.all([draft.setModel(info.model.path), draft.setPictures(info.pictures.path)]);
    draft.edit(structuredClone(info.preprocessing));
    draft.settings = { ...info.settings, batch: null };
  }

  async function remove({ path, name }: Named): Promise<void> {
    if (study.info?.path === path) {
      study.close();
      selection.go({ view: 'home', study: null, id: null }, true);
    }
    const { trash } = await client.call('study.delete', { study: path });
    await app.loadRecent();
    const undo = async (): Promise<void> => {
      await client.call('study.restore', { trash, study: path });
      await app.loadRecent();
    };
    const onwards = async (): Promise<void> => {
      await host.trash?.(trash);
    };
    notices.offer(
      t('home.actions.deleted', { name }),
      t('common.undo'),
      () => told(undo()),
      () => told(onwards()),
    );
  }

  /** The study's folder lies elsewhere now. */
  async function locate({ path }: Named): Promise<void> {
    const found = await picker.pick('study', t('home.actions.locate'));
    if (found === null) return;
    await client.call('recent.forget', { path });
    selection.openStudy(found);
  }

  async function relocate(info: StudyInfo, what: 'model' | 'pictures'): Promise<void> {
    const title = t(what === 'model' ? 'home.actions.findModel' : 'home.actions.findPictures');
    const path = await picker.pick(what === 'model' ? 'model' : 'folder', title);
    if (path === null) return;
    await client.call('study.relocate', { study: info.path, [what]: path });
    notices.settle(['other-model', 'other-pictures']);
    notices.say(t('home.actions.found'));
    await study.refreshInfo();
    app.askAgain();
  }

  async function grow({ path }: StudyInfo): Promise<void> {
    const { added } = await client.call('scan.grow', { study: path });
    if (added > 0 && study.info?.path === path) await study.refreshInfo();
    notices.say(added > 0 ? t('home.actions.grown', { n: added }) : t('home.actions.notGrown'));
  }

  return {
    grow: (info) => grow(info).catch(notices.fail),
    relocate: (info, what) => told(relocate(info, what)),
    locate: (named) => told(locate(named)),
    of(named, info) {
      const list: StudyAction[] = named.missing
        ? [{ id: 'locate', label: t('home.actions.locate'), run: () => told(locate(named)) }]
        : [
            { id: 'open', label: t('home.actions.open'), run: () => selection.openStudy(named.path) },
            ...(named.demo
              ? []
              : [
                  {
                    id: 'rename',
                    label: t('home.actions.rename'),
                    run: () => (panels.rename = { path: named.path, name: named.name }),
                  },
                ]),
            ...(info && canGrow(info, study.scan?.phase)
              ? [{ id: 'grow', label: t('home.actions.grow'), run: () => told(grow(info)) }]
              : []),
            { id: 'duplicate', label: t('home.actions.duplicate'), run: () => told(duplicate(named, info)) },
            ...(host.reveal
              ? [{ id: 'reveal', label: t('home.actions.reveal'), run: () => told(host.reveal!(named.path)) }]
              : []),
          ];
      if (!info) list.push({ id: 'forget', label: t('home.actions.forget'), run: () => told(app.forget(named.path)) });
      if (!named.missing && !named.demo)
        list.push({ id: 'delete', label: t('home.actions.delete'), danger: true, run: () => told(remove(named)) });
      return list;
    },
  };
}
