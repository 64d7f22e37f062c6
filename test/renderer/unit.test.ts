// @vitest-environment happy-dom
import { createPinia, setActivePinia } from 'pinia';
import { beforeEach, describe, expect, it } from 'vitest';
import type { PatchItem, ReconstructionItem, TopEntry, UnitDetail } from '../../preload/contract';
import { setHost, type Client } from '../../renderer/host/host';
import { entryKey, useUnit, type UnitQuestion } from '../../renderer/stores/unit';
import { fakeHost } from './fake-host';

interface Asked {
  name: string;
  args: { unit: number; method?: { id: string } };
  signal: AbortSignal;
  tell: (item: unknown) => void;
  end: (result: unknown) => void;
  fail: (error: Error) => void;
}

const entry = (picture: number, rank = 0): TopEntry => ({
  rank,
  picture,
  file: `${picture}.jpg`,
  class: null,
  activation: 10 - rank,
  y: 1,
  x: 2,
  box: [0, 0, 7, 7],
});
const detail = (unit: number, pictures: number[]): UnitDetail => ({
  layer: 'conv1',
  unit,
  label: null,
  top: pictures.map(entry),
  histogram: { start: 0, width: 1, counts: [] },
  firing: 0.5,
  mean: 1,
  classes: [],
  pictures: 10,
});
const place = (picture: number) => ({ rank: 0, picture, y: 1, x: 2 });
const patch = (picture: number): PatchItem => ({
  ...place(picture),
  patch: { width: 1, height: 1, rgba: Uint8Array.of(picture, 0, 0, 255) },
});
const signal = (picture: number): ReconstructionItem => ({
  ...place(picture),
  activation: 1,
  channels: 1,
  width: 1,
  height: 1,
  data: Float32Array.of(picture),
});

describe('the unit', () => {
  let asked: Asked[];
  let unit: ReturnType<typeof useUnit>;
  const question = (change: Partial<UnitQuestion>): UnitQuestion => ({
    study: '/s',
    layer: 'conv1',
    unit: 1,
    method: { id: 'deconvnet', leaky: 'strict', smooth: 'rectify' },
    size: 128,
    refused: null,
    ...change,
  });
  const last = (name: string): Asked => asked.findLast((call) => call.name === name)!;
  const settle = (ms = 0): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
  const calls = (name: string): number => asked.filter((call) => call.name === name).length;
  /** Longer than the store waits for a pause between key presses. */
  const asks = async (name: string, calls: number): Promise<void> => {
    while (asked.filter((call) => call.name === name).length < calls) await settle(5);
  };

  beforeEach(() => {
    // Its own list: a call of an earlier test that is still waiting must not land in this one.
    const list: Asked[] = [];
    asked = list;
    const client = {
      call: (name: string, args: Asked['args'], more: { signal: AbortSignal; onItem?: (item: unknown) => void }) =>
        new Promise((end, fail) =>
          list.push({ name, args, signal: more.signal, tell: (item) => more.onItem?.(item), end, fail }),
        ),
      on: () => () => undefined,
    } as unknown as Client;
    setHost({ ...fakeHost(), client });
    setActivePinia(createPinia());
    unit = useUnit();
  });

  async function shown(pictures: number[]): Promise<void> {
    unit.show(question({}));
    await asks('unit.detail', 1);
    last('unit.detail').end(detail(1, pictures));
    await settle();
  }

  it('shows tiles by the entry that they belong to, not by their place in the stream', async () => {
    await shown([7, 8]);
    last('unit.patches').tell(patch(8));
    last('unit.reconstructions').tell(signal(7));
    expect(unit.patches.get(entryKey(entry(8)))?.rgba[0]).toBe(8);
    expect(unit.patches.has(entryKey(entry(7)))).toBe(false);
    expect(unit.signals.get(entryKey(entry(7)))?.data[0]).toBe(7);
  });

  it('never shows a late tile of the old unit', async () => {
    await shown([7]);
    const [patches, signals] = [last('unit.patches'), last('unit.reconstructions')];
    unit.show(question({ unit: 2 }));
    expect([patches.signal.aborted, signals.signal.aborted]).toEqual([true, true]);
    patches.tell(patch(7));
    signals.tell(signal(7));
    signals.end({ extent: 'cone', milliseconds: 1, rules: [] });
    await settle();
    expect([unit.patches.size, unit.signals.size, unit.detail, unit.done]).toEqual([0, 0, null, null]);
  });

  it('drops the late figures of the old unit', async () => {
    unit.show(question({}));
    await asks('unit.detail', 1);
    const late = last('unit.detail');
    unit.show(question({ unit: 2 }));
    late.end(detail(1, [7]));
    await settle();
    expect(unit.detail).toBeNull();
  });

  it('asks for the last unit only where keys are pressed one after another', async () => {
    for (let index = 1; index <= 20; index++) unit.show(question({ unit: index }));
    await asks('unit.detail', 1);
    await settle(60);
    expect(asked.map((call) => call.args.unit)).toEqual([20]);
  });

  it('keeps the patches where only the method changes', async () => {
    await shown([7]);
    last('unit.patches').tell(patch(7));
    const old = last('unit.reconstructions');
    old.tell(signal(7));
    unit.show(question({ method: { id: 'guided', leaky: 'strict', smooth: 'rectify' } }));
    expect(old.signal.aborted).toBe(true);
    expect(unit.signals.size).toBe(0);
    old.tell(signal(7));
    expect(unit.signals.size).toBe(0);
    expect(unit.patches.size).toBe(1);
    expect(last('unit.reconstructions').args.method?.id).toBe('guided');
    expect(asked.filter((call) => call.name === 'unit.patches')).toHaveLength(1);
  });

  it('lets tiles come in before it looks for changes, asks for them again only where the top changed, and keeps those that stay', async () => {
    await shown([7, 8]);
    last('unit.patches').tell(patch(7));
    last('unit.patches').tell(patch(8));
    unit.refresh();
    expect(calls('unit.detail')).toBe(1);
    last('unit.patches').end(null);
    last('unit.reconstructions').end({ extent: 'cone', milliseconds: 1, rules: [] });
    await settle();
    expect(calls('unit.detail')).toBe(2);
    last('unit.detail').end(detail(1, [7, 8]));
    await settle();
    expect(calls('unit.patches')).toBe(1);
    unit.refresh();
    last('unit.detail').end(detail(1, [9, 7]));
    await settle();
    expect(calls('unit.patches')).toBe(2);
    expect([...unit.patches.keys()]).toEqual([entryKey(entry(7))]);
  });

  it('asks for no reconstructions where the layer refuses, and for no tiles of a silent unit', async () => {
    unit.show(question({ refused: 'because' }));
    await asks('unit.detail', 1);
    last('unit.detail').end(detail(1, [7]));
    await settle();
    expect(asked.map((call) => call.name)).toEqual(['unit.detail', 'unit.patches']);
    unit.show(question({ unit: 3 }));
    await asks('unit.detail', 2);
    last('unit.detail').end(detail(3, []));
    await settle();
    expect(asked).toHaveLength(3);
  });

  it('says which part failed and keeps the rest', async () => {
    await shown([7]);
    last('unit.reconstructions').fail(Object.assign(new Error('x'), { info: { code: 'x', message: 'no way back' } }));
    last('unit.patches').tell(patch(7));
    await settle();
    expect(unit.signalError?.message).toBe('no way back');
    expect(unit.patchError).toBeNull();
    expect(unit.patches.size).toBe(1);
    unit.retry();
    expect(unit.signalError).toBeNull();
  });
});
