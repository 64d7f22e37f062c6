import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { UnpoolError } from '../../core/errors';
import { findShards, joinShards, shardFolder, shardStates, studyOfShard } from '../scan/shards';
import { scanIdentity, writeCheckpoint } from '../scan/checkpoint';
import { manifestName, readManifest, type Manifest } from '../study/manifest';
import { absolute, existing, kindOf, locate, placeOf } from '../study/paths';
import { isStudy, scanFiles, Study } from '../study/study';
import { rm } from 'node:fs/promises';
import type { Context, Group } from './context';

/** Scans that are divided between machines. */
export function shardHandlers({ studies, scans }: Context): Group<'scan.shard' | 'scan.shards' | 'scan.merge'> {
  return {
    async 'scan.shard'({ study, index, of }, { signal, item }) {
      return scans.shard(await studies.get(await existing(study, 'folder')), index, of, signal, item);
    },
    async 'scan.shards'({ study, of }) {
      return shardStates(await studies.get(await existing(study, 'folder')), of);
    },
    async 'scan.merge'({ shards, out }) {
      const folder = absolute(out);
      const files = await findShards(shards.map(absolute));
      const source = await sourceOf([...((await isStudy(folder)) ? [folder] : []), ...files.map(studyOfShard)]);
      const tables = await joinShards(files, await readManifest(source));
      if (source !== folder) await copyStudy(source, folder);
      const study = await studies.reopen(folder);
      study.tables = tables;
      study.manifest.scan.done = study.manifest.scan.total;
      // As at the end of a scan: whenever this is cut off, it can be done again.
      await study.writeTables();
      await writeCheckpoint(scanFiles(folder, study.manifest).checkpoint, scanIdentity(study.manifest), tables);
      await study.writeManifest('done');
      study.manifest.scan.phase = 'done';
      await rm(join(folder, shardFolder), { recursive: true, force: true });
      return study.info();
    },
  };
}

/** The first of these folders that is a study: it names the model, the pictures and the settings. Throws UnpoolError. */
async function sourceOf(folders: readonly string[]): Promise<string> {
  for (const folder of folders) if (await isStudy(folder)) return folder;
  throw new UnpoolError(
    'no-study',
    'No study is beside these shards: it names the model, the pictures and the settings.',
    {
      hint: `Name the study folder that a shard was made in (it holds ${manifestName} and "${shardFolder}"), or merge into it.`,
    },
  );
}

/** Makes a new study as another one is before its scan. Throws UnpoolError where the folder is not empty. */
async function copyStudy(from: string, to: string): Promise<void> {
  const kind = await kindOf(to);
  if (kind === 'file' || (kind === 'folder' && (await readdir(to)).length > 0))
    throw new UnpoolError('folder-in-use', `"${to}" is ${kind === 'file' ? 'a file' : 'not empty'}.`, {
      hint: 'Choose a new or an empty folder for the study.',
      place: { file: to },
    });
  const manifest = await readManifest(from);
  const [model, pictures] = await Promise.all([
    locate(from, manifest.model, 'file'),
    locate(from, manifest.pictures, 'folder'),
  ]);
  const moved: Manifest = {
    ...manifest,
    name: basename(to),
    model: { ...manifest.model, ...placeOf(to, model ?? manifest.model.path) },
    pictures: { ...manifest.pictures, ...placeOf(to, pictures ?? manifest.pictures.path) },
    scan: { ...manifest.scan, phase: 'none', done: 0, error: null },
  };
  await Study.copy(from, to, moved);
}
