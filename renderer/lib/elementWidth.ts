import { onBeforeUnmount, onMounted, ref, useTemplateRef, type Ref } from 'vue';

/** The width in CSS px of the element that the template names "element". */
export function useElementWidth(): { element: Readonly<Ref<HTMLElement | null>>; width: Ref<number> } {
  const element = useTemplateRef<HTMLElement>('element');
  const width = ref(0);
  let observer: ResizeObserver | null = null;
  onMounted(() => {
    if (!element.value) return;
    width.value = element.value.clientWidth;
    observer = new ResizeObserver(([entry]) => {
      if (entry) width.value = entry.contentRect.width;
    });
    observer.observe(element.value);
  });
  onBeforeUnmount(() => observer?.disconnect());
  return { element, width };
}
