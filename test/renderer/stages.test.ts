// @vitest-environment happy-dom
import { mount } from '@vue/test-utils';
import { afterEach, expect, test, vi } from 'vitest';
import { h, nextTick } from 'vue';
import { useStages } from '../../renderer/lib/stages';

const frames = new Map<number, () => void>();
vi.stubGlobal('requestAnimationFrame', (work: () => void) => {
  const id = Math.max(0, ...frames.keys()) + 1;
  frames.set(id, work);
  return id;
});
vi.stubGlobal('cancelAnimationFrame', (id: number) => frames.delete(id));
afterEach(() => frames.clear());

async function frame(): Promise<void> {
  const now = [...frames.values()];
  frames.clear();
  for (const work of now) work();
  await nextTick();
}

const mounted = (last: number) =>
  mount({
    setup() {
      const stage = useStages(last);
      return () => h('p', String(stage.value));
    },
  });

test('one stage comes with each frame, and after the last nothing is asked for', async () => {
  const pane = mounted(2);
  const seen = [pane.text()];
  for (let at = 0; at < 4; at++) {
    await frame();
    seen.push(pane.text());
  }
  expect(seen).toEqual(['0', '1', '2', '2', '2']);
  expect(frames.size).toBe(0);
});

test('what has no more stages asks for no frame, nor does what is gone', async () => {
  mounted(0);
  expect(frames.size).toBe(0);
  const pane = mounted(3);
  await frame();
  expect(frames.size).toBe(1);
  pane.unmount();
  expect(frames.size).toBe(0);
});
