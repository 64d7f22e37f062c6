import { UnpoolError } from '../../core/errors';
import { identityOf, listPictures } from '../pictures/dataset';
import { partsOf, scannedLayers, writeManifest, type Manifest } from '../study/manifest';
import { scanFiles, type Study } from '../study/study';
import { readTables, removeProgress, scanIdentity, writeCheckpoint } from './checkpoint';
import { grownTables } from './tables';

const told = 3;

/**
 * Adds the pictures that came to the folder since to a study that is done: its list grows at the end, and its scan is paused
 * before the first of them. Returns how many they are. Throws UnpoolError where pictures of the list are gone or changed.
 */
export async function growStudy(study: Study, root: string): Promise<number> {
  const { manifest, images } = study;
  if (manifest.scan.phase !== 'done')
    throw new UnpoolError('not-done', 'Pictures can be added to a study when its scan is done.', {
      hint: 'Go on with the scan first.',
    });
  const listing = await listPictures(root);
  const sizes = new Map(listing.files.map((file, i) => [file, listing.bytes[i]!]));
  const known = new Set<string>();
  const other: string[] = [];
  for (let row = 0; row < images.count; row++) {
    const file = images.file(row);
    known.add(file);
    const size = sizes.get(file);
    if (size === undefined || (images.bytes(row) >= 0 && size !== images.bytes(row))) other.push(file);
  }
  if (other.length > 0)
    throw new UnpoolError(
      'pictures-changed',
      `${other.length} of the study's pictures are gone or changed: ${other.slice(0, told).join(', ')}${other.length > told ? ' ...' : ''}.`,
      { hint: 'Bring the folder back to what it was, or make a new study of it.', place: { file: root } },
    );
  const added = listing.files.flatMap((file, i) =>
    known.has(file) ? [] : [{ file, class: listing.className(i), bytes: listing.bytes[i]! }],
  );
  if (added.length === 0) return 0;
  if (!study.writable)
    throw new UnpoolError('read-only', `The study "${study.path}" cannot be written.`, {
      hint: 'Copy it to a place where you may write.',
      place: { file: study.path },
    });
  const old = scanFiles(study.path, manifest);
  const tables = await readTables(old.checkpoint, manifest);
  if (!tables)
    throw new UnpoolError('no-checkpoint', `Pictures cannot be added: "${old.checkpoint}" is not there.`, {
      hint: 'Make a new study of all pictures.',
      place: { file: old.checkpoint },
    });
  const count = images.count + added.length;
  const further = [...new Set(added.flatMap((image) => image.class ?? []))]
    .filter((name) => !manifest.pictures.classes.includes(name))
    .sort((a, b) => (a < b ? -1 : 1));
  const classes = [...manifest.pictures.classes, ...further];
  const name = (row: number): string => (row < images.count ? images.file(row) : added[row - images.count]!.file);
  const grown: Manifest = {
    ...manifest,
    pictures: {
      ...manifest.pictures,
      count,
      classes,
      parts: [...partsOf(manifest), added.length],
      identity: identityOf(count, name, (row) => sizes.get(name(row))!),
    },
    scan: { phase: 'paused', done: images.count, total: count, error: null },
  };
  // study.json last: until it is there, the study is what it was.
  await study.writeGrown(added, tables);
  await writeCheckpoint(
    scanFiles(study.path, grown).checkpoint,
    scanIdentity(grown),
    grownTables(tables, scannedLayers(grown), count, classes.length),
  );
  await writeManifest(study.path, grown);
  await removeProgress(old);
  return added.length;
}
