import { computed, type ComputedRef } from 'vue';
import { useStudy } from '../../../stores/study';
import { useUnit } from '../../../stores/unit';

/**
 * The unit on the screen, to be asked about once its figures are there. `revision`: asked again when the study's numbers
 * changed, and while a scan runs at its end only.
 */
export function useUnitQuestion(): ComputedRef<{
  study: string;
  layer: string;
  unit: number;
  revision: number;
} | null> {
  const unit = useUnit();
  const study = useStudy();
  return computed(() => {
    const { question, detail } = unit;
    if (!question || !detail) return null;
    const revision = study.scan?.phase === 'running' ? -1 : study.revision;
    return { study: question.study, layer: question.layer, unit: question.unit, revision };
  });
}
