import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Pixels } from '../../../preload/contract';
import { UnpoolError } from '../../core/errors';
import { identityOf, sizesOf } from '../pictures/dataset';
import { fileError } from '../study/files';
import { manifestName, readManifest, scannedLayers, studyId } from '../study/manifest';
import { absolute, existing, placeOf } from '../study/paths';
import { Strips } from '../study/strips';
import { isStudy, type Study } from '../study/study';
import { Trash } from '../study/trash';
import { Look } from '../recent/look';
import type { Context, Group } from './context';
import { topEntries } from './units';

const stripTiles = 8;
const stripSide = 96;

/** Studies as things on a shelf: finding, naming, moving and deleting them, and a glance at each. */
export function libraryHandlers({
  options,
  studies,
  scans,
  recent,
}: Context): Group<
  | 'study.find'
  | 'study.rename'
  | 'study.relocate'
  | 'study.delete'
  | 'study.restore'
  | 'study.strip'
  | 'look.read'
  | 'look.write'
> {
  const trash = new Trash(options.home);
  const strips = new Strips(options.home);
  const look = new Look(options.home);

  async function writable(path: string): Promise<Study> {
    const study = await studies.get(path);
    if (study.demo || !study.writable)
      throw new UnpoolError('read-only', `The study "${study.path}" cannot be changed.`, {
        hint: 'Copy its folder to a place where you may write, and open that.',
        place: { file: study.path },
      });
    return study;
  }

  return {
    async 'study.find'({ path, id }) {
      const known = (await recent.read()).map((entry) => entry.path);
      const own = join(options.home, 'studies');
      const made = (await readdir(own).catch(() => [] as string[])).map((name) => join(own, name));
      const candidates = [
        ...(path ? [absolute(path)] : []),
        ...known,
        ...made,
        ...(options.demo ? [options.demo] : []),
      ];
      let there: string | null = null;
      for (const folder of new Set(candidates)) {
        if (!(await isStudy(folder).catch(() => false))) continue;
        there ??= path && folder === absolute(path) ? folder : null;
        if (id === '') break;
        // One that cannot be read is not the one that is looked for.
        const manifest = await readManifest(folder).catch(() => null);
        if (manifest && studyId(manifest) === id) return folder;
      }
      return there;
    },
    async 'study.rename'({ study: path, name }) {
      const study = await writable(path);
      study.manifest.name = name;
      await study.writeManifest(study.manifest.scan.phase);
      const entry = (await recent.read()).find((each) => each.path === study.path);
      if (entry) await recent.add({ ...entry, name });
      return study.info();
    },
    async 'study.relocate'(args) {
      const study = await writable(args.study);
      const { manifest } = study;
      if (args.model) {
        const file = await existing(args.model, 'file');
        const found = await sha256(file);
        if (found !== manifest.model.sha256)
          throw new UnpoolError('other-model', `"${file}" is not the model that the study was made with.`, {
            hint: `Its SHA-256 is ${found.slice(0, 12)}…, the model's is ${manifest.model.sha256.slice(0, 12)}…. Choose the file that was used then, under any name.`,
            place: { file },
          });
        manifest.model = { ...manifest.model, ...placeOf(study.path, file) };
      }
      if (args.pictures) {
        const folder = await existing(args.pictures, 'folder');
        const { images } = study;
        const sizes = await sizesOf(folder, images.count, (i) => images.file(i));
        const identity = identityOf(
          images.count,
          (i) => images.file(i),
          (i) => sizes[i]!,
        );
        if (identity !== manifest.pictures.identity) {
          const here = sizes.reduce((sum, size) => sum + (size >= 0 ? 1 : 0), 0);
          throw new UnpoolError(
            'other-pictures',
            `"${folder}" does not hold the pictures that the study was made with.`,
            {
              hint: `Names and sizes must be the same: of ${images.count} pictures, ${here} are here by name.`,
              place: { file: folder },
            },
          );
        }
        manifest.pictures = { ...manifest.pictures, ...placeOf(study.path, folder) };
      }
      await study.writeManifest(manifest.scan.phase);
      return study.info();
    },
    async 'study.delete'({ study: path }) {
      const folder = await existing(path, 'folder');
      if (options.demo !== null && folder === resolve(options.demo))
        throw new UnpoolError('demo', 'The demo belongs to the program and stays.', { place: { file: folder } });
      if (!(await isStudy(folder)))
        throw new UnpoolError('no-study', `There is no study in "${folder}" (it has no ${manifestName}).`, {
          place: { file: folder },
        });
      // One that cannot be opened is let go of all the same.
      const open = await studies.get(folder).catch(() => null);
      if (open) {
        await scans.stop(open, 'paused');
        studies.forget(open);
      }
      const trashed = await trash.put(folder);
      await recent.forget(folder);
      return { trash: trashed };
    },
    async 'study.restore'({ trash: trashed, study: path }) {
      const folder = absolute(path);
      await trash.restore(trashed, folder);
      const { name, model, pictures } = await readManifest(folder);
      const opened = new Date().toISOString();
      await recent.add({ path: folder, name, model: model.name, pictures: pictures.count, opened });
      return null;
    },
    async 'study.strip'({ study: path }) {
      const folder = await existing(path, 'folder');
      const { mtimeMs } = await stat(join(folder, manifestName)).catch((error: unknown) => {
        throw fileError(error, 'read', join(folder, manifestName));
      });
      return {
        tiles: await strips.get(JSON.stringify([folder, mtimeMs, stripTiles, stripSide]), async () =>
          strip(await studies.get(folder)),
        ),
      };
    },
    'look.read': () => look.read(),
    async 'look.write'({ key, value }) {
      await look.write(key, value);
      return null;
    },
  };

  /** The strongest patches of the layer that a study opens on, each from another picture; none where nothing is scanned. */
  async function strip(study: Study): Promise<Pixels[]> {
    const [height, width] = study.manifest.preprocessing.size;
    const fits = scannedLayers(study.manifest).filter(
      ({ field }) => field !== null && field.size[0] <= (height * 2) / 3 && field.size[1] <= (width * 2) / 3,
    );
    const widest = Math.max(...fits.map((layer) => layer.units));
    const layer = fits.findLast((each) => each.units === widest) ?? scannedLayers(study.manifest)[0];
    if (!layer) return [];
    const { top } = await study.view(layer);
    const strongest = (unit: number): number => (top.count[unit] ? top.activation[unit * top.k]! : 0);
    const units = Array.from({ length: layer.units }, (_, unit) => unit)
      .filter((unit) => strongest(unit) > 0)
      .sort((a, b) => strongest(b) - strongest(a));
    const { patches } = await studies.picturesOf(study);
    const seen = new Set<number>();
    const tiles: Pixels[] = [];
    for (const unit of units) {
      if (tiles.length === stripTiles) break;
      const entry = topEntries(study, layer, top, unit).find(({ picture }) => !seen.has(picture));
      if (!entry) continue;
      seen.add(entry.picture);
      tiles.push(await patches.patch(entry.picture, entry.box, stripSide));
    }
    return tiles;
  }
}

async function sha256(file: string): Promise<string> {
  const hash = createHash('sha256');
  try {
    await pipeline(createReadStream(file), hash);
  } catch (error) {
    throw fileError(error, 'read', file);
  }
  return hash.digest('hex');
}
