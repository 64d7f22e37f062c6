import { ref } from 'vue';
import { unitSpec } from '../../../../main/core/figures/spec';
import { useHost } from '../../../host/host';
import { language } from '../../../i18n';
import { useLook } from '../../../stores/look';
import { useNotices } from '../../../stores/notices';
import { useSelection } from '../../../stores/selection';
import { useStudy } from '../../../stores/study';

/** Whether a figure is being made. */
export const saving = ref(false);

/** Saves the unit on the screen as a figure, as it is shown now. */
export async function saveFigure(): Promise<void> {
  const host = useHost();
  const study = useStudy();
  const look = useLook();
  const notices = useNotices();
  const { layer, unit, route } = useSelection();
  if (!study.info || !layer || unit === null || saving.value) return;
  const name = `${layer.name.replace(/[^\w.-]+/g, '-')}-${unit}-${route.method.id}.png`;
  const { method } = route;
  const { scale, contrast } = look;
  saving.value = true;
  try {
    const { path: where, settings } = study.info;
    const spec = unitSpec(
      { layer: layer.id, unit, k: settings.k },
      {
        ...{ method, scale, contrast },
        language: language.value,
      },
    );
    const said = await host.saveFile(name, (path) =>
      host.client.call('figure.make', { study: where, spec, kind: 'png', path }),
    );
    if (said) notices.say(said);
  } catch (thrown) {
    notices.fail(thrown);
  } finally {
    saving.value = false;
  }
}
