import { inflateSync } from 'node:zlib';
import { UnpoolError } from '../../core/errors';
import { unzip } from '../../core/formats/zip';
import { readRecord, type AtlasRecord, type FigureRecord } from '../../core/figures/record';
import { readSpec, type FigureSpec } from '../../core/figures/spec';
import { csvMark, recordEntry } from '../../core/figures/tables';
import { chunksOf, isPng } from './chunks';

/** What the data of a figure may take unpacked: a small file must not fill the memory. */
const longest = 2 ** 26;

const none = (cause?: unknown): UnpoolError =>
  new UnpoolError('no-figure', 'The file carries no figure of Unpool.', {
    hint: 'It may have been saved again by another program. Take it as Unpool saved it.',
    ...(cause !== undefined && { cause }),
  });

const startsWith = (bytes: Uint8Array, text: string): boolean =>
  [...text].every((letter, i) => bytes[i] === letter.charCodeAt(0));

/** What a file of a figure or of an atlas carries. Throws UnpoolError for a file that this program did not make. */
export function carriedBy(file: Uint8Array): FigureRecord | AtlasRecord {
  return readRecord(parsed(textIn(file)));
}

/** The record in a file of a figure. Throws UnpoolError for any other file. */
export function recordIn(file: Uint8Array): FigureRecord {
  const record = carriedBy(file);
  if (record.format === 'unpool-record') return record;
  throw new UnpoolError('no-figure', 'The file is an atlas of a whole layer, not a composed figure.', {
    hint: 'It is made again by "unpool atlas", and compared by "unpool verify".',
  });
}

/** A spec: of a JSON file, or of a file of a figure. Throws UnpoolError. */
export function specIn(file: Uint8Array): FigureSpec {
  const text = new TextDecoder().decode(file.subarray(0, 64)).trimStart();
  if (!text.startsWith('{')) return recordIn(file).spec;
  const value = parsed(new TextDecoder().decode(file)) as { format?: unknown; spec?: unknown };
  return readSpec(value.format === 'unpool-record' ? value.spec : value);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw none(error);
  }
}

function textIn(file: Uint8Array): string {
  if (isPng(file)) return pngText(file);
  if (startsWith(file, '%PDF')) return pdfText(file);
  if (startsWith(file, 'PK')) return zipText(file);
  const text = new TextDecoder().decode(file.subarray(0, longest));
  if (text.startsWith(csvMark)) return text.slice(csvMark.length, text.indexOf('\n'));
  const page = /<script type="application\/json" id="unpool">([^<]*)<\/script>/.exec(text);
  if (page) return page[1]!;
  const metadata = /<metadata id="unpool">([^<]*)<\/metadata>/.exec(text);
  if (!metadata) throw none();
  const named: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"' };
  return metadata[1]!.replace(/&(amp|lt|gt|quot);/g, (_, name: string) => named[name]!);
}

function pngText(file: Uint8Array): string {
  for (const { type, body } of chunksOf(file))
    if (type === 'iTXt' && body.toString('latin1', 0, 7) === 'unpool\0') return inflated(body.subarray(11));
  throw none();
}

function inflated(bytes: Uint8Array): string {
  try {
    return inflateSync(bytes, { maxOutputLength: longest }).toString('utf8');
  } catch (error) {
    throw none(error);
  }
}

/** The stream of the embedded file whose record it is: as this program's PDFs hold it. */
function pdfText(file: Uint8Array): string {
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  for (let at = bytes.indexOf('/Type /EmbeddedFile'); at >= 0; at = bytes.indexOf('/Type /EmbeddedFile', at + 1)) {
    const start = bytes.indexOf('stream\n', at);
    const end = bytes.indexOf('\nendstream', start);
    if (start < 0 || end < 0) break;
    const text = inflated(bytes.subarray(start + 7, end));
    if (/"unpool-(record|atlas)"/.test(text)) return text;
  }
  throw none();
}

function zipText(file: Uint8Array): string {
  let entry: Uint8Array | null | undefined;
  try {
    entry = unzip(file, (name) => name === recordEntry).get(recordEntry);
  } catch (error) {
    throw none(error);
  }
  if (!entry) throw none();
  return new TextDecoder().decode(entry);
}
