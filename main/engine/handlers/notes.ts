import { writeWhole } from '../study/files';
import { changeNotes, notesCsv, notesFile, readNotes } from '../study/notes';
import type { Context, Group } from './context';
import { targetOf } from './figure';
import { checkUnit } from './units';

/** What people write of units. */
export function noteHandlers({ studies, options }: Context): Group<'notes.read' | 'notes.write' | 'notes.export'> {
  /** One change at a time, so that none is lost. */
  let turn: Promise<unknown> = Promise.resolve();
  return {
    async 'notes.read'({ study }) {
      const notes = await readNotes(notesFile(await studies.get(study), options.home));
      return notes.map(({ changed: _changed, ...note }) => note);
    },
    async 'notes.write'({ study: place, units }) {
      const study = await studies.get(place);
      for (const { layer, unit } of units) checkUnit(study.layer(layer), unit);
      const change = () => changeNotes(notesFile(study, options.home), units, new Date().toISOString());
      const next = turn.then(change, change); // who asked before has been told
      turn = next;
      await next;
      options.emit('notes.changed', { study: study.path, units });
      return null;
    },
    async 'notes.export'({ study: place, path }) {
      const target = path ? await targetOf(path, 'csv') : null;
      const study = await studies.get(place);
      const { layers, labels, outputLayer } = study.manifest;
      const text = notesCsv(await readNotes(notesFile(study, options.home)), ({ layer, unit }) => ({
        layer: layers.find(({ id }) => id === layer)?.name ?? layer,
        class: layer === outputLayer ? (labels?.[unit] ?? '') : '',
      }));
      if (!target) return { bytes: new TextEncoder().encode(text), path: null };
      await writeWhole(target, text);
      return { bytes: new Uint8Array(0), path: target };
    },
  };
}
