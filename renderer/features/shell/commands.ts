import { useHost } from '../../host/host';
import { t } from '../../i18n';
import type { Shortcut } from '../../lib/keys';
import { useApp } from '../../stores/app';
import { useLook } from '../../stores/look';
import { useNotices } from '../../stores/notices';
import { usePanels } from '../../stores/panels';
import { usePicker } from '../../stores/picker';
import { useSelection } from '../../stores/selection';
import { useStudy } from '../../stores/study';
import { views } from '../../views';
import { figureOfPins } from '../figure/ofUnits';
import { useStudyActions } from '../home/studyActions';

/** What can be done in every view. */
export function appCommands(): Shortcut[] {
  const host = useHost();
  const app = useApp();
  const panels = usePanels();
  const selection = useSelection();
  const study = useStudy();
  const look = useLook();
  const notices = useNotices();
  const actions = useStudyActions();
  const group = t('shell.groups.window');

  async function pickStudy(): Promise<void> {
    const path = await usePicker().pick('study', t('home.openStudy')).catch(notices.fail);
    if (path) selection.openStudy(path);
  }
  async function copyLink(): Promise<void> {
    await navigator.clipboard.writeText(host.linkOf(location.hash));
    notices.say(t('shell.commands.linkCopied'));
  }

  const files: Shortcut[] = [
    {
      id: 'new',
      menu: 'file',
      keys: ['Mod+n'],
      label: t('home.newStudy'),
      group: t('shell.groups.study'),
      always: true,
      run: () => selection.go({ view: 'create', model: null, pictures: null }, true),
    },
    {
      id: 'open',
      menu: 'file',
      keys: ['Mod+o'],
      label: t('home.openStudy'),
      group: t('shell.groups.study'),
      always: true,
      run: () => void pickStudy(),
    },
    ...(app.info?.demo
      ? [
          {
            id: 'demo',
            menu: 'file' as const,
            keys: [],
            label: t('home.demo.open'),
            group: t('shell.groups.study'),
            run: () => selection.openStudy(app.info!.demo!),
          },
        ]
      : []),
    {
      id: 'catalogue',
      menu: 'file',
      keys: [],
      label: t('home.getModel'),
      group: t('shell.groups.study'),
      run: () => (panels.catalogue = true),
    },
  ];
  const { info } = study;
  const ofStudy: Shortcut[] = info
    ? actions
        .of({ path: info.path, name: info.name, missing: false, demo: info.demo }, info)
        .filter(({ id }) => id !== 'open')
        .map(({ id, label, run }) => ({
          id: `study.${id}`,
          menu: 'file' as const,
          keys: [],
          label,
          group: t('shell.groups.study'),
          run,
        }))
    : [];
  const tabs: Shortcut[] = info
    ? views.map((view, place) => ({
        id: `view.${view.id}`,
        menu: 'go' as const,
        keys: place < 9 ? [`Alt+${place + 1}`, `Mod+${place + 1}`] : [],
        label: t(view.title),
        group: t('shell.views'),
        always: true,
        run: () => selection.go({ view: view.id, study: info.path }, true),
      }))
    : [];
  const ofFigures: Shortcut[] = info
    ? [{ id: 'figure.pins', keys: ['Shift+s'], label: t('figure.ofPins'), group, run: () => void figureOfPins() }]
    : [];
  return [
    ...files,
    ...ofStudy,
    ...ofFigures,
    ...(info
      ? [
          {
            id: 'audit',
            menu: 'view' as const,
            keys: [],
            label: t('create.model.rules'),
            group: t('shell.groups.study'),
            run: () => (panels.audit = true),
          },
        ]
      : []),
    { id: 'find', menu: 'go', keys: ['/'], label: t('shell.find'), group, run: () => (panels.find = true) },
    {
      keys: ['Mod+k', 'Mod+f'],
      label: t('shell.commands.findAlways'),
      group,
      run: () => (panels.find = true),
      always: true,
    },
    ...tabs,
    {
      id: 'home',
      menu: 'go',
      keys: ['h', 'Mod+Shift+h'],
      label: t('common.home'),
      group,
      run: () => selection.go({ view: 'home' }, true),
    },
    {
      id: 'back',
      menu: 'go',
      keys: ['Alt+ArrowLeft', 'Mod+['],
      label: t('shell.commands.back'),
      group,
      always: true,
      run: () => history.back(),
    },
    {
      id: 'forward',
      menu: 'go',
      keys: ['Alt+ArrowRight', 'Mod+]'],
      label: t('shell.commands.forward'),
      group,
      always: true,
      run: () => history.forward(),
    },
    {
      id: 'link',
      menu: 'edit',
      keys: ['Mod+Shift+c'],
      label: t('shell.commands.copyLink'),
      group,
      always: true,
      run: () => void copyLink().catch(notices.fail),
    },
    {
      id: 'theme',
      menu: 'view',
      keys: ['t'],
      label: t('shell.commands.theme'),
      group,
      run: () => (look.theme = look.dark ? 'light' : 'dark'),
    },
    {
      id: 'settings',
      menu: 'edit',
      keys: ['Mod+,'],
      label: t('settings.title'),
      group,
      always: true,
      run: () => (panels.settings = true),
    },
    { id: 'help', menu: 'help', keys: ['?'], label: t('shell.commands.help'), group, run: () => (panels.help = true) },
  ];
}
