import { ref } from 'vue';
import { useHost } from '../../../host/host';
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
    const said = await host.saveFigure(
      { study: study.info.path, layer: layer.id, unit, method, scale, contrast },
      name,
    );
    if (said) notices.say(said);
  } catch (thrown) {
    notices.fail(thrown);
  } finally {
    saving.value = false;
  }
}
