// @vitest-environment happy-dom
import { createPinia, setActivePinia } from 'pinia';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { setHost } from '../../renderer/host/host';
import { rank } from '../../renderer/lib/find';
import { useNotes } from '../../renderer/stores/notes';
import { useStudy } from '../../renderer/stores/study';
import { fakeHost, type FakeHost } from './fake-host';

let host: FakeHost;
beforeEach(() => {
  vi.useFakeTimers();
  setActivePinia(createPinia());
  setHost((host = fakeHost()));
});
afterEach(() => vi.useRealTimers());

async function opened() {
  const study = useStudy();
  const notes = useNotes();
  void study.open('/studies/shelf');
  await vi.advanceTimersByTimeAsync(20);
  return { study, notes, layer: study.scanned[0]!.id };
}
const writes = () =>
  host.log.filter(({ name }) => name === 'notes.write').map(({ args }) => (args as { units: unknown[] }).units);

describe('notes', () => {
  it('are shown at once and written together a little later', async () => {
    const { notes, layer } = await opened();
    notes.addTag(layer, 3, ' edge ');
    notes.addTag(layer, 3, 'edge');
    notes.edit(layer, 3, { note: 'lo' });
    notes.edit(layer, 3, { note: 'looks' });
    expect(notes.of(layer, 3)).toEqual({ layer, unit: 3, note: 'looks', tags: ['edge'], pinned: false });
    expect(writes()).toEqual([]);
    await vi.advanceTimersByTimeAsync(500);
    expect(writes()).toEqual([[{ layer, unit: 3, note: 'looks', tags: ['edge'], pinned: false }]]);
    expect(notes.tags).toEqual(['edge']);
  });

  it('are undone and done again, on disk as well; what is typed in one go is one step', async () => {
    const { notes, layer } = await opened();
    notes.togglePin(layer, 1);
    notes.edit(layer, 1, { note: 'a' });
    notes.edit(layer, 1, { note: 'ab' });
    notes.undo();
    expect(notes.of(layer, 1)).toMatchObject({ note: '', pinned: true });
    notes.undo();
    expect(notes.list).toEqual([]);
    notes.redo();
    notes.redo();
    expect(notes.of(layer, 1)).toMatchObject({ note: 'ab', pinned: true });
    notes.undo();
    notes.undo();
    await vi.advanceTimersByTimeAsync(500);
    expect(writes().flat()).toEqual([{ layer, unit: 1, note: '', tags: [], pinned: false }]);
  });

  it('that could not be written are written with the next', async () => {
    const failing: NonNullable<Parameters<typeof fakeHost>[0]>['failing'] = {
      'notes.write': { code: 'file-enospc', message: 'full' },
    };
    setHost((host = fakeHost({ failing })));
    setActivePinia(createPinia());
    const { notes, layer } = await opened();
    notes.togglePin(layer, 1);
    await vi.advanceTimersByTimeAsync(500);
    delete failing['notes.write'];
    notes.togglePin(layer, 2);
    await vi.advanceTimersByTimeAsync(500);
    expect(writes().at(-1)).toMatchObject([{ unit: 1 }, { unit: 2 }]);
  });

  it('that cannot be read are not written over', async () => {
    setHost((host = fakeHost({ failing: { 'notes.read': { code: 'bad-notes', message: 'damaged' } } })));
    setActivePinia(createPinia());
    const { notes, layer } = await opened();
    notes.togglePin(layer, 1);
    await vi.advanceTimersByTimeAsync(500);
    expect(writes()).toEqual([]);
  });

  it('of another window are taken over, but for what is newer here, and are not undone here', async () => {
    const { notes, study, layer } = await opened();
    notes.togglePin(layer, 1);
    await vi.advanceTimersByTimeAsync(500);
    notes.edit(layer, 4, { note: 'mine' });
    const note = (unit: number, text: string) => ({ layer, unit, note: text, tags: ['theirs'], pinned: false });
    host.emit('notes.changed', { study: study.info!.path, units: [note(4, 'theirs'), note(7, 'new')] });
    host.emit('notes.changed', { study: '/studies/other', units: [note(8, 'of another study')] });
    expect([4, 7, 8].map((unit) => notes.of(layer, unit).note)).toEqual(['mine', 'new', '']);
    notes.undo();
    notes.undo();
    expect([1, 4, 7].map((unit) => [notes.of(layer, unit).pinned, notes.of(layer, unit).note])).toEqual([
      [false, ''],
      [false, ''],
      [false, 'new'],
    ]);
    await vi.advanceTimersByTimeAsync(500);
    expect(
      writes()
        .at(-1)!
        .some((each) => (each as { unit: number }).unit === 7),
    ).toBe(false);
  });

  it('are found by tag and by words, a unit once', async () => {
    const { notes, study, layer } = await opened();
    notes.addTag(layer, 3, 'curve');
    notes.edit(layer, 5, { note: 'A dog’s ear' });
    const find = (query: string) =>
      rank(query, { layers: study.layers, labels: null, current: layer, notes: notes.list }).map(
        ({ entry }) => entry.unit,
      );
    expect(find('#curv')).toContain(3);
    expect(find('ear')).toContain(5);
    expect(find('#3').filter((unit) => unit === 3).length).toBeGreaterThan(0);
    expect(find('zebra')).not.toContain(3);
  });
});
