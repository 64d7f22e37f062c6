import { mkdir, readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { SavedFigure } from '../../../preload/contract';
import { UnpoolError } from '../../core/errors';
import { readSpec, type FigureSpec } from '../../core/figures/spec';
import { asideOf } from '../study/aside';
import { fileError, writeWhole } from '../study/files';
import type { Study } from '../study/study';

/** The figures of a study: `figures/<id>.json` in its folder; of one that is not for writing, in the program's own place. */
export function figuresFolder(study: Study, home: string): string {
  return asideOf(study, home, 'figures') ?? join(study.path, 'figures');
}

const idPattern = /^[\p{L}\p{N}][\p{L}\p{N}_-]{0,79}$/u;

function checkId(id: string): void {
  if (!idPattern.test(id))
    throw new UnpoolError('bad-figure', `"${id}" cannot be a figure's id.`, { place: { field: 'id' } });
}

export async function listFigures(folder: string): Promise<SavedFigure[]> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw fileError(error, 'read', folder);
  });
  const figures: SavedFigure[] = [];
  for (const name of names.sort()) {
    const id = name.replace(/\.json$/, '');
    if (!name.endsWith('.json') || !idPattern.test(id)) continue;
    const file = join(folder, name);
    const changed = (await stat(file)).mtime.toISOString();
    try {
      figures.push({ id, changed, spec: readSpec(JSON.parse(await readFile(file, 'utf8'))), problem: null });
    } catch (error) {
      // One that is damaged, or of a later version, is listed all the same; it is never written over.
      const problem = error instanceof Error ? error.message : String(error);
      figures.push({ id, changed, spec: null, problem: `${problem} (${file})` });
    }
  }
  return figures;
}

/** Writes a figure; a new one gets an id from its name. Returns the id. */
export async function saveFigure(folder: string, id: string, spec: FigureSpec): Promise<string> {
  await mkdir(folder, { recursive: true }).catch((error: unknown) => {
    throw fileError(error, 'write', folder);
  });
  const name = id || (await freeId(folder, spec.name));
  checkId(name);
  await writeWhole(join(folder, `${name}.json`), `${JSON.stringify(spec, null, 1)}\n`);
  return name;
}

async function freeId(folder: string, name: string): Promise<string> {
  const taken = new Set(await readdir(folder));
  const plain =
    name
      .normalize('NFC')
      .replace(/[^\p{L}\p{N}]+/gu, '-')
      .replace(/^-+|-+$/g, '')
      .slice(0, 60) || 'figure';
  for (let i = 1; ; i++) {
    const id = i === 1 ? plain : `${plain}-${i}`;
    if (!taken.has(`${id}.json`)) return id;
  }
}

export async function removeFigure(folder: string, id: string): Promise<void> {
  checkId(id);
  const file = join(folder, `${id}.json`);
  await rm(file, { force: true }).catch((error: unknown) => {
    throw fileError(error, 'write', file);
  });
}
