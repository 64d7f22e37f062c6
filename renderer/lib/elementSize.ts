import { onBeforeUnmount, onMounted, ref, useTemplateRef, type Ref } from 'vue';

/** The element of the template that has this ref, and its size in CSS px: of what is inside its padding, or all of it. */
export function useElementSize(
  name = 'element',
  box: 'content' | 'border' = 'content',
): { element: Readonly<Ref<HTMLElement | null>>; width: Ref<number>; height: Ref<number> } {
  const element = useTemplateRef<HTMLElement>(name);
  const [width, height] = [ref(0), ref(0)];
  const observer = new ResizeObserver(([entry]) => {
    if (!entry) return;
    const { contentRect, borderBoxSize } = entry;
    width.value = box === 'content' ? contentRect.width : (borderBoxSize[0]?.inlineSize ?? 0);
    height.value = box === 'content' ? contentRect.height : (borderBoxSize[0]?.blockSize ?? 0);
  });
  onMounted(() => {
    if (!element.value) return;
    const { clientWidth, clientHeight } = element.value;
    const { paddingLeft, paddingRight, paddingTop, paddingBottom } = getComputedStyle(element.value);
    const inside = (length: number, ...paddings: string[]): number =>
      box === 'border' ? length : paddings.reduce((rest, padding) => rest - (parseFloat(padding) || 0), length);
    width.value = inside(clientWidth, paddingLeft, paddingRight);
    height.value = inside(clientHeight, paddingTop, paddingBottom);
    observer.observe(element.value);
  });
  onBeforeUnmount(() => observer.disconnect());
  return { element, width, height };
}
