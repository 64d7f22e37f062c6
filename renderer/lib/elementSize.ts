import { onBeforeUnmount, onMounted, ref, useTemplateRef, type Ref } from 'vue';

/** Width and height in CSS px of the element with this template ref. */
export function useElementSize(name: string): { width: Ref<number>; height: Ref<number> } {
  const element = useTemplateRef<HTMLElement>(name);
  const [width, height] = [ref(0), ref(0)];
  const observer = new ResizeObserver(([entry]) => {
    width.value = entry?.borderBoxSize[0]?.inlineSize ?? 0;
    height.value = entry?.borderBoxSize[0]?.blockSize ?? 0;
  });
  onMounted(() => element.value && observer.observe(element.value));
  onBeforeUnmount(() => observer.disconnect());
  return { width, height };
}
