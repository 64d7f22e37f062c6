import { readFile } from 'node:fs/promises';
import { dirname, extname } from 'node:path';
import { UnpoolError } from '../../core/errors';
import type { AtlasKind, FigureProgress, VerifyReport } from '../../../preload/contract';
import type { AtlasRecord, FigureRecord } from '../../core/figures/record';
import { readSpec } from '../../core/figures/spec';
import { atlasRecord, makeAtlas } from '../figures/atlas/make';
import { makeFigure, previewFigure } from '../figures/make';
import { carriedBy, specIn } from '../figures/read';
import { figuresFolder, listFigures, removeFigure, saveFigure } from '../figures/saved';
import { compare, compareAtlas, versionNotes } from '../figures/verify';
import { fileError, joined, writeWhole } from '../study/files';
import { absolute, existing } from '../study/paths';
import { isStudy, type Study } from '../study/study';
import type { Context, Group } from './context';

/** Figures: made, saved in a study, read from files, and made again to compare. */
export function figureHandlers(
  context: Context,
): Group<
  | 'figure.preview'
  | 'figure.make'
  | 'figure.list'
  | 'figure.save'
  | 'figure.remove'
  | 'figure.spec'
  | 'figure.verify'
  | 'atlas.make'
> {
  const { studies, options } = context;
  return {
    async 'figure.preview'({ study, spec, dpi }, { signal, item }) {
      return previewFigure(context, await studies.get(study), readSpec(spec), { dpi, signal, tell: item });
    },
    async 'figure.make'({ study, spec, kind, dpi, path }, { signal, item }) {
      const target = path ? await targetOf(path, kind) : null;
      const { bytes } = await makeFigure(context, await studies.get(study), readSpec(spec), kind, {
        dpi,
        signal,
        tell: item,
      });
      if (!target) return { bytes, path: null };
      await writeWhole(target, bytes);
      return { bytes: new Uint8Array(0), path: target };
    },
    async 'atlas.make'({ study: place, layer, path, ...request }, { signal, item }) {
      const target = path ? await targetOf(path, request.kind) : null;
      const study = await studies.get(place);
      const asked = { ...request, layer: study.layer(layer) };
      const pieces = makeAtlas(context, study, asked, { signal, tell: item });
      if (!target) return { bytes: await joined(pieces), path: null };
      await writeWhole(target, pieces);
      return { bytes: new Uint8Array(0), path: target };
    },
    async 'figure.list'({ study }) {
      return listFigures(figuresFolder(await studies.get(study), options.home));
    },
    async 'figure.save'({ study, id, spec }) {
      return { id: await saveFigure(figuresFolder(await studies.get(study), options.home), id, readSpec(spec)) };
    },
    async 'figure.remove'({ study, id }) {
      await removeFigure(figuresFolder(await studies.get(study), options.home), id);
      return null;
    },
    async 'figure.spec'({ path }) {
      return specIn(await bytesOf(path));
    },
    async 'figure.verify'({ path, study: wanted }, { signal, item }) {
      const file = await bytesOf(path);
      const record = carriedBy(file);
      const study = wanted ? await studies.get(wanted) : await studyOf(context, absolute(path), record);
      if (record.format === 'unpool-atlas')
        return verifyAtlas(context, absolute(path), file, study, record, { signal, tell: item });
      const again = await makeFigure(context, study, record.spec, record.kind, {
        dpi: record.dpi,
        signal,
        tell: item,
      });
      const differences = await compare(file, record, again);
      return {
        path: absolute(path),
        kind: record.kind,
        study: study.path,
        units: record.panels.length,
        tiles: record.panels.reduce((sum, { tiles }) => sum + tiles.length, 0),
        same: differences.length === 0,
        differences,
        notes: versionNotes(record, again.record),
      };
    },
  };
}

/** As 'figure.verify', of an atlas. */
async function verifyAtlas(
  context: Context,
  path: string,
  file: Uint8Array,
  study: Study,
  record: AtlasRecord,
  options: { signal: AbortSignal; tell(progress: FigureProgress): void },
): Promise<VerifyReport> {
  const { method, scale, contrast } = record.spec;
  const kind: AtlasKind = Buffer.from(file.subarray(0, 4)).toString('latin1') === '%PDF' ? 'pdf' : 'html';
  const layer = study.layer(record.layer);
  const request = { layer, method, scale: scale === 'own' ? scale : 'shared', contrast, kind } as const;
  const now = atlasRecord(context, study, request);
  let tiles = 0;
  const tell = (progress: FigureProgress): void => {
    tiles = progress.total;
    options.tell(progress);
  };
  const differences = await compareAtlas(file, record, now, makeAtlas(context, study, request, { ...options, tell }));
  return {
    ...{ path, kind, study: study.path, units: layer.units, tiles },
    ...{ same: differences.length === 0, differences, notes: versionNotes(record, now) },
  };
}

/** The file to write; without an extension it gets that of its kind. Throws UnpoolError where its folder is not there. */
export async function targetOf(path: string, kind: string): Promise<string> {
  const file = absolute(extname(path) ? path : `${path}.${kind}`);
  await existing(dirname(file), 'folder');
  return file;
}

async function bytesOf(path: string): Promise<Uint8Array> {
  const file = await existing(path, 'file');
  return readFile(file).catch((error: unknown) => {
    throw fileError(error, 'read', file);
  });
}

/** The study that a figure came from: the one that the file lies in, or a recent one of the same model and pictures. */
async function studyOf(
  { studies, recent, options }: Context,
  file: string,
  record: FigureRecord | AtlasRecord,
): Promise<Study> {
  const candidates: string[] = [];
  for (let at = dirname(file); dirname(at) !== at; at = dirname(at)) candidates.push(at);
  candidates.push(...(await recent.read()).map(({ path }) => path), ...(options.demo ? [options.demo] : []));
  for (const path of candidates) {
    if (!(await isStudy(path).catch(() => false))) continue;
    const study = await studies.get(path).catch(() => null);
    if (
      study?.manifest.model.sha256 === record.model.sha256 &&
      study.manifest.pictures.identity === record.pictures.identity
    )
      return study;
  }
  throw new UnpoolError(
    'no-study',
    `No study with the figure's network (${record.model.name}) and pictures was opened here lately.`,
    { hint: `Name it with --study; the figure was made from "${record.study}".`, place: { file } },
  );
}
