// @vitest-environment happy-dom
import { mount } from '@vue/test-utils';
import { describe, expect, it } from 'vitest';
import type { FileEntry } from '../../preload/contract';
import FolderList from '../../renderer/features/files/FolderList.vue';

const entries = ['apples', 'models', 'music', 'net.onnx'].map((name): FileEntry => ({
  name,
  path: `/x/${name}`,
  kind: name.endsWith('.onnx') ? 'model' : 'folder',
  bytes: 1e6,
}));

describe('the list of a folder', () => {
  it('is walked by arrows, ends and first letters, and entered and left by keys', async () => {
    const list = mount(FolderList, {
      props: {
        label: '/x',
        entries,
        fits: (entry: FileEntry) => entry.kind === 'model',
        at: 0,
        'onUpdate:at': (at: number) => list.setProps({ at }),
      },
    });
    const press = async (...keys: string[]): Promise<number> => {
      for (const key of keys) await list.trigger('keydown', { key });
      return list.props('at');
    };
    expect(await press('ArrowDown')).toBe(1);
    expect(await press('m')).toBe(2);
    expect(await press('m')).toBe(1);
    expect(await press('z')).toBe(1);
    expect(await press('End', 'ArrowDown')).toBe(3);
    await press('Enter', 'Backspace');
    expect(list.emitted('enter')?.[0]).toEqual([entries[3]]);
    expect(list.emitted('up')).toHaveLength(1);
    expect(await press('Home', 'ArrowUp')).toBe(0);
    expect(list.find('[aria-selected="true"]').text()).toBe('apples');
    await list.find('li:last-child').trigger('click');
    expect(list.emitted('enter')).toHaveLength(1);
    await list.find('li').trigger('click');
    expect(list.emitted('enter')?.at(-1)).toEqual([entries[0]]);
    expect(list.find('li:last-child').text()).toContain('1.0\u202fMB');
  });
});
