// @vitest-environment happy-dom
import { flushPromises, mount, type VueWrapper } from '@vue/test-utils';
import { createPinia, setActivePinia } from 'pinia';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import App from '../../renderer/App.vue';
import { setHost } from '../../renderer/host/host';
import { useNetwork } from '../../renderer/stores/network';
import { useSelection } from '../../renderer/stores/selection';
import { useStudy } from '../../renderer/stores/study';
import { fakeHost, type FakeHost, type FakeOptions } from './fake-host';

vi.mock('vue-echarts', () => ({ default: { template: '<i class="chart" />' } }));

let host: FakeHost;
let wrapper: VueWrapper | null = null;
const until = async (what: () => boolean): Promise<void> =>
  vi.waitFor(() => expect(what()).toBe(true), { timeout: 8000 });

async function open(options: FakeOptions = {}): Promise<void> {
  setHost((host = fakeHost(options)));
  const pinia = createPinia();
  setActivePinia(pinia);
  location.hash = '#/units?study=%2Fstudies%2Fgrocery&layer=conv3&unit=175';
  wrapper = mount(App, { global: { plugins: [pinia] }, attachTo: document.body });
  await until(() => useStudy().info !== null);
  await flushPromises();
}
const nodes = (): string[] => wrapper!.findAll('.network .node').map((node) => node.attributes('aria-label')!);
const node = (name: string) =>
  wrapper!.findAll('.network .node').find((each) => each.attributes('aria-label')!.startsWith(name))!;

beforeEach(() => {
  // Nothing is laid out here: the canvas is given a size that holds all of it.
  vi.spyOn(HTMLElement.prototype, 'clientWidth', 'get').mockReturnValue(800);
  vi.spyOn(HTMLElement.prototype, 'clientHeight', 'get').mockReturnValue(3000);
  localStorage.clear();
  localStorage.setItem('unpool.layersAs', '"graph"');
});
afterEach(() => {
  wrapper?.unmount();
  wrapper = null;
  document.body.replaceChildren();
  vi.restoreAllMocks();
});

describe('the network as a graph', () => {
  it('takes the place of the list, says what each node is, and what the way back is', async () => {
    await open();
    await until(() => nodes().length === 9 && useNetwork().summaries.size > 0);
    await flushPromises();
    expect(node('conv3').attributes('aria-label')).toMatch(
      /^conv3; .*4,096 units, \d+ never fire, mean sparsity \d+.%; on the way back/,
    );
    expect(node('conv3').attributes('aria-current')).toBe('true');
    expect(node('data').classes()).toContain('way');
    expect(node('fc').classes()).toContain('off');
    expect(node('prob').text()).toContain('Softmax: the deconvnet has no rule for it');
    expect(host.log.filter(({ name }) => name === 'layer.summaries')).toHaveLength(1);
    wrapper!.find('[aria-label="Layers as a list"]').element.dispatchEvent(new MouseEvent('click', { bubbles: true }));
    await until(() => wrapper!.find('.layers').exists());
    expect(localStorage.getItem('unpool.layersAs')).toBe('"list"');
  });

  it('a click chooses the layer, a branch its join; arrows walk and do not move the unit', async () => {
    await open();
    await until(() => nodes().length === 9 && useNetwork().summaries.size > 0);
    await node('conv1').trigger('click');
    expect(useSelection().layer!.id).toBe('conv1');
    await node('data').trigger('click');
    expect(useSelection().layer!.id).toBe('conv1');
    const unit = useSelection().unit;
    await node('conv1').trigger('click');
    await node('conv1').trigger('keydown', { key: 'ArrowDown' });
    await flushPromises();
    expect(document.activeElement!.getAttribute('aria-label')).toMatch(/^pool1/);
    await wrapper!.find('.network .canvas').trigger('keydown', { key: 'ArrowUp' });
    await flushPromises();
    expect(document.activeElement!.getAttribute('aria-label')).toMatch(/^conv1/);
    expect(useSelection().unit).toBe(unit);
  });

  it('blocks close and open, by mouse and by Backspace', async () => {
    await open();
    await until(() => nodes().length === 9);
    expect(wrapper!.find('.frame-name').text()).toBe('fire2');
    await wrapper!.find('.frame-name').trigger('click');
    await until(() => nodes().length === 8);
    expect(node('fire2').attributes('aria-expanded')).toBe('false');
    await node('fire2').trigger('click');
    await until(() => nodes().length === 9);
    await wrapper!.find('.network .canvas').trigger('keydown', { key: 'Backspace' });
    await until(() => nodes().length === 8);
  });

  it('says that it could not be read, and tries again', async () => {
    const failing = { 'model.graph': { code: 'model-missing', message: 'The model is not there any more.' } };
    await open({ failing });
    await until(() => wrapper!.find('.network').text().includes('The model is not there any more.'));
    delete (failing as Record<string, unknown>)['model.graph'];
    await wrapper!.find('.network .note button').trigger('click');
    await until(() => nodes().length === 9);
  });

  it('another method is another graph', async () => {
    await open();
    await until(() => nodes().length === 9);
    useSelection().setMethod('gradient');
    await until(() => !wrapper!.find('.network').text().includes('has no rule'));
  });
});
