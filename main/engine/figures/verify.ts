import { isDeepStrictEqual } from 'node:util';
import sharp from 'sharp';
import type { VerifyReport } from '../../../preload/contract';
import type { AtlasRecord, FigureRecord, RecordedPanel, RecordedTile } from '../../core/figures/record';
import type { Made } from './make';

type Difference = VerifyReport['differences'][number];
type Head = Omit<AtlasRecord, 'format' | 'layer'>;

const plural = (count: number, one: string): string => `${count} ${count === 1 ? one : `${one}s`}`;

/** What is not the same in a file and in what was made again from its record, in words. */
export async function compare(file: Uint8Array, record: FigureRecord, again: Made): Promise<Difference[]> {
  const now = again.record;
  const differences = [...headDifferences(record, now), ...panelDifferences(record.panels, now.panels)];
  const walks = (from: FigureRecord): unknown => from.walks.map(({ rules, ...walk }) => ({ ...walk, rules }));
  if (!same(walks(record), walks(now)))
    differences.push({ what: 'method', text: 'The way back was another: other nodes, or other rules at them.' });
  const bytes = await fileDifference(file, record, again);
  if (bytes) differences.push({ what: 'file', text: bytes });
  return differences;
}

/** The same of an atlas, whose pieces are compared as they are made. Throws what making them throws. */
export async function compareAtlas(
  file: Uint8Array,
  record: AtlasRecord,
  now: AtlasRecord,
  pieces: AsyncIterable<Uint8Array>,
): Promise<Difference[]> {
  const differences = headDifferences(record, now);
  let [length, equal] = [0, true];
  for await (const piece of pieces) {
    equal &&= Buffer.from(piece.buffer, piece.byteOffset, piece.length).equals(
      file.subarray(length, length + piece.length),
    );
    length += piece.length;
  }
  if (!equal || length !== file.length) differences.push({ what: 'file', text: otherBytes(file.length, length) });
  return differences;
}

const otherBytes = (before: number, now: number): string =>
  `The file is not byte for byte what is made from its data (${before} bytes; made again ${now} bytes).`;

/** What it was made from. */
function headDifferences(record: Head, now: Head): Difference[] {
  const differences: Difference[] = [];
  const differ = (what: Difference['what'], text: string): void => void differences.push({ what, text });
  if (record.model.sha256 !== now.model.sha256)
    differ(
      'model',
      `The figure was made with another network (${record.model.name}, SHA-256 ${short(record.model.sha256)}; here ${now.model.name}, ${short(now.model.sha256)}).`,
    );
  if (record.pictures.identity !== now.pictures.identity)
    differ(
      'pictures',
      `The folder of pictures was another (${plural(record.pictures.count, 'picture')}; here ${now.pictures.count}), or its files have other names or sizes.`,
    );
  if (!same(record.preprocessing, now.preprocessing)) differ('preprocessing', 'The preprocessing was another.');
  if (!same({ ...record.settings, batch: 0 }, { ...now.settings, batch: 0 }))
    differ(
      'settings',
      `The scan's settings were others (${JSON.stringify(record.settings)}; here ${JSON.stringify(now.settings)}).`,
    );
  if (record.scan.done !== now.scan.done)
    differ(
      'scan',
      `The scan had seen ${record.scan.done} of ${record.scan.total} pictures; here ${now.scan.done} of ${now.scan.total}.`,
    );
  return differences;
}

/** What was made with other programs than now: it may explain a difference, and is none by itself. */
export function versionNotes(record: Head, now: Head): string[] {
  return Object.keys({ ...record.versions, ...now.versions }).flatMap((name) =>
    record.versions[name] === now.versions[name]
      ? []
      : [
          `Made with ${name} ${record.versions[name] ?? '(not said)'}, compared with ${now.versions[name] ?? '(none)'}.`,
        ],
  );
}

const short = (hash: string): string => `${hash.slice(0, 12)}…`;
/** As JSON: what is left out there is no difference. */
const same = (a: unknown, b: unknown): boolean =>
  isDeepStrictEqual(JSON.parse(JSON.stringify(a ?? null)), JSON.parse(JSON.stringify(b ?? null)));

function panelDifferences(before: readonly RecordedPanel[], now: readonly RecordedPanel[]): Difference[] {
  const nameOf = ({ name, unit }: RecordedPanel): string => `${name}, unit ${unit}`;
  const units = (panels: readonly RecordedPanel[]): string[] => panels.map(({ layer, unit }) => `${layer} ${unit}`);
  if (!isDeepStrictEqual(units(before), units(now)))
    return [
      {
        what: 'units',
        text: `The figure shows other units: ${before.map(nameOf).join('; ')}. Here: ${now.map(nameOf).join('; ')}.`,
      },
    ];
  const differences: Difference[] = [];
  before.forEach((panel, i) => {
    const other = now[i]!;
    const entry = ({ file, y, x }: RecordedTile): string => `${file} ${y} ${x}`;
    if (!isDeepStrictEqual(panel.tiles.map(entry), other.tiles.map(entry))) {
      const [rank] = [...panel.tiles.keys()].filter(
        (at) => !other.tiles[at] || entry(panel.tiles[at]!) !== entry(other.tiles[at]),
      );
      const at = rank ?? panel.tiles.length;
      differences.push({
        what: 'entries',
        text: `${nameOf(panel)}: other strongest pictures, from rank ${at + 1} on (${panel.tiles[at]?.file ?? 'none'}; here ${other.tiles[at]?.file ?? 'none'}).`,
      });
      return;
    }
    const count = (key: 'sha256' | 'reconstruction' | 'patch' | 'activation'): number =>
      panel.tiles.filter((tile, rank) => tile[key] !== other.tiles[rank]![key]).length;
    const of = panel.tiles.length;
    if (count('sha256'))
      differences.push({
        what: 'pictures',
        text: `${nameOf(panel)}: ${plural(count('sha256'), 'picture file')} of ${of} changed.`,
      });
    if (count('activation'))
      differences.push({
        what: 'activations',
        text: `${nameOf(panel)}: ${plural(count('activation'), 'activation')} of ${of} differ.`,
      });
    if (count('reconstruction'))
      differences.push({
        what: 'tiles',
        text: `${nameOf(panel)}: ${plural(count('reconstruction'), 'reconstruction')} of ${of} differ.`,
      });
    if (count('patch'))
      differences.push({
        what: 'tiles',
        text: `${nameOf(panel)}: ${plural(count('patch'), 'patch')} of ${of} differ.`,
      });
  });
  return differences;
}

/** What differs in the file itself: of a PNG its px, of the others their bytes. */
async function fileDifference(file: Uint8Array, record: FigureRecord, again: Made): Promise<string | null> {
  if (record.kind !== 'png')
    return Buffer.from(file.buffer, file.byteOffset, file.byteLength).equals(again.bytes)
      ? null
      : otherBytes(file.length, again.bytes.length);
  const raw = (bytes: Uint8Array) => sharp(bytes).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  const decoded = await Promise.all([raw(file), raw(again.bytes)]).catch(() => null);
  if (!decoded) return 'Its px cannot be read: the file is damaged.';
  const [before, now] = decoded;
  if (
    before.info.width !== now.info.width ||
    before.info.height !== now.info.height ||
    before.info.channels !== now.info.channels
  )
    return `It has ${before.info.width} x ${before.info.height} px; made again ${now.info.width} x ${now.info.height}.`;
  let [count, most] = [0, 0];
  for (let at = 0; at < now.data.length; at += 3) {
    let worst = 0;
    for (let c = 0; c < 3; c++) worst = Math.max(worst, Math.abs(before.data[at + c]! - now.data[at + c]!));
    if (worst) count++;
    most = Math.max(most, worst);
  }
  const px = before.info.width * before.info.height;
  return count ? `${count} of ${px} px differ, by at most ${most} of 255.` : null;
}
