import { computed, type ComputedRef } from 'vue';
import type { Display } from '../../lib/draw';
import { useLook } from '../../stores/look';
import { useStudy } from '../../stores/study';

/** How reconstructions of the open study are shown now. The level is for those who share one. */
export function useDisplay(): ComputedRef<Display> {
  const look = useLook();
  const study = useStudy();
  return computed(() => ({
    level: null,
    contrast: look.contrast,
    channels: study.info?.preprocessing.channels ?? 'rgb',
  }));
}
