import { mkdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as v from 'valibot';
import { unitNoteSchema, type UnitNote } from '../../../preload/contract';
import { UnpoolError } from '../../core/errors';
import { asideOf } from './aside';
import { fileError, writeWhole } from './files';
import type { Study } from './study';

const version = 1;
const fileSchema = v.object({
  format: v.literal('unpool-notes'),
  version: v.number(),
  units: v.array(v.object({ ...unitNoteSchema.entries, changed: v.pipe(v.string(), v.isoTimestamp()) })),
});
/** A note as it is kept, with the time of its last change. */
export type KeptNote = v.InferOutput<typeof fileSchema>['units'][number];

export const notesFile = (study: Study, home: string): string =>
  join(asideOf(study, home, 'notes') ?? study.path, 'notes.json');

const keyOf = ({ layer, unit }: UnitNote): string => `${unit} ${layer}`;
const isEmpty = ({ note, tags, pinned }: UnitNote): boolean => note.trim() === '' && tags.length === 0 && !pinned;

/** The notes of a file; none where it is not there. Throws UnpoolError: one that is damaged is never written over. */
export async function readNotes(file: string): Promise<KeptNote[]> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw fileError(error, 'read', file);
  }
  try {
    const content = v.parse(fileSchema, JSON.parse(text));
    if (content.version <= version) return content.units;
  } catch (error) {
    throw new UnpoolError('bad-notes', `The notes in "${file}" are damaged: ${(error as Error).message}`, {
      hint: 'Mend the file, or move it away to begin anew. It is not written over.',
      place: { file },
      cause: error,
    });
  }
  throw new UnpoolError('notes-version', `The notes in "${file}" are of a later version of the program.`, {
    hint: 'Open the study with that version. The file is not written over.',
    place: { file },
  });
}

/** Puts these in the place of what was written of the same units. `now`: ISO 8601, UTC. Throws UnpoolError. */
export async function changeNotes(file: string, changed: readonly UnitNote[], now: string): Promise<void> {
  const kept = new Map((await readNotes(file)).map((note) => [keyOf(note), note]));
  for (const note of changed) {
    kept.delete(keyOf(note));
    if (!isEmpty(note)) kept.set(keyOf(note), { ...note, tags: [...new Set(note.tags)], changed: now });
  }
  await mkdir(dirname(file), { recursive: true }).catch((error: unknown) => {
    throw fileError(error, 'write', dirname(file));
  });
  await writeWhole(
    file,
    `${JSON.stringify({ format: 'unpool-notes', version, units: [...kept.values()] }, null, 1)}\n`,
  );
}

const cell = (value: string): string => (/[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value);

/** RFC 4180, UTF-8. `nameOf` gives a layer's name and a unit's class. */
export function notesCsv(
  notes: readonly KeptNote[],
  nameOf: (note: UnitNote) => { layer: string; class: string },
): string {
  const rows = notes.map((note) => {
    const { layer, class: label } = nameOf(note);
    const { unit, pinned, tags, changed } = note;
    return [layer, String(unit), label, pinned ? '1' : '0', tags.join('; '), note.note, changed];
  });
  return [['layer', 'unit', 'class', 'pinned', 'tags', 'note', 'changed'], ...rows]
    .map((row) => `${row.map(cell).join(',')}\r\n`)
    .join('');
}
