import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { preprocessingSchema, settingsSchema } from '../../../preload/contract';
import { UnpoolError } from '../../core/errors';
import type { Layer } from '../../core/program/network';
import { fileError, writeWhole } from './files';

/** The newest version of the folder that this program reads; FORMAT.md says what is in it. */
export const formatVersion = 1;
export const manifestName = 'study.json';

const natural = v.pipe(v.number(), v.integer(), v.minValue(0));
const positive = v.pipe(v.number(), v.integer(), v.minValue(1));
const integer = v.pipe(v.number(), v.integer());
const sha256 = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/, 'not a SHA-256'));
const place = { path: v.string(), relative: v.nullable(v.string()) };

const layerSchema = v.object({
  id: v.string(),
  name: v.string(),
  kind: v.picklist(['conv', 'dense', 'join', 'pool']),
  units: positive,
  map: v.tuple([positive, positive]),
  field: v.nullable(
    v.object({
      size: v.tuple([positive, positive]),
      stride: v.tuple([natural, natural]),
      start: v.tuple([integer, integer]),
    }),
  ),
  stride: v.tuple([natural, natural]),
  nodes: v.array(v.string()),
  macs: v.number(),
  scanned: v.boolean(),
  refused: v.nullable(v.string()),
  assumed: v.optional(v.number(), 0),
  after: v.string(),
  before: v.string(),
});

const errorSchema = v.object({
  code: v.string(),
  message: v.string(),
  hint: v.exactOptional(v.string()),
  place: v.exactOptional(
    v.object({
      file: v.exactOptional(v.string()),
      node: v.exactOptional(v.string()),
      field: v.exactOptional(v.string()),
    }),
  ),
  defect: v.exactOptional(v.boolean()),
  detail: v.exactOptional(v.string()),
});

const manifestSchema = v.object({
  format: v.literal('unpool-study'),
  version: positive,
  app: v.string(),
  name: v.string(),
  created: v.string(),
  model: v.object({ ...place, name: v.string(), bytes: natural, sha256 }),
  pictures: v.object({
    ...place,
    count: natural,
    identity: sha256,
    classes: v.array(v.string()),
    parts: v.exactOptional(v.pipe(v.array(natural), v.minLength(2))),
  }),
  input: v.object({
    name: v.string(),
    channels: positive,
    size: v.tuple([positive, positive]),
    freeSize: v.boolean(),
  }),
  preprocessing: preprocessingSchema,
  settings: v.object({ ...settingsSchema.entries, batch: positive }),
  layers: v.pipe(v.array(layerSchema), v.minLength(1)),
  labels: v.nullable(v.array(v.string())),
  outputLayer: v.nullable(v.string()),
  notes: v.array(v.string()),
  scan: v.object({
    phase: v.picklist(['none', 'running', 'paused', 'cancelled', 'done', 'failed']),
    done: natural,
    total: natural,
    error: v.nullable(errorSchema),
  }),
});

/** What study.json holds. Layers are as the core knows them. */
export type Manifest = v.InferOutput<typeof manifestSchema>;
/** The types of the file and of the core must stay the same. */
const asCoreLayers = (layers: Manifest['layers']): Layer[] => layers;

export const layersOf = (manifest: Manifest): Layer[] => asCoreLayers(manifest.layers);
/** The same for a study of the same model, pictures, preprocessing and settings, wherever they lie and whoever made it. */
export function studyId({ model, pictures, preprocessing, settings }: Manifest): string {
  const { k, onePerPicture, before } = settings;
  const content = [model.sha256, pictures.identity, preprocessing, k, onePerPicture, before];
  return createHash('sha256').update(JSON.stringify(content)).digest('hex').slice(0, 16);
}

export const scannedLayers = (manifest: Manifest): Layer[] => layersOf(manifest).filter((layer) => layer.scanned);

/** Sizes of the parts of the picture list: what the study was made with, then what was added each time. */
export const partsOf = ({ pictures }: Manifest): readonly number[] => pictures.parts ?? [pictures.count];

/** Reads the study.json of a folder. Throws UnpoolError with the file and, where it can be told, the field. */
export async function readManifest(folder: string): Promise<Manifest> {
  const file = join(folder, manifestName);
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' || (error as NodeJS.ErrnoException).code === 'ENOTDIR')
      throw new UnpoolError('no-study', `There is no study in "${folder}" (it has no ${manifestName}).`, {
        hint: 'Open the folder that holds study.json.',
        place: { file },
      });
    throw fileError(error, 'read', file);
  }
  return parseManifest(text, file);
}

export function parseManifest(text: string, file: string): Manifest {
  const bad = (what: string, field?: string, cause?: unknown) =>
    new UnpoolError('bad-study', `"${file}" is not a study that can be opened: ${what}.`, {
      hint: 'If another program changed it, undo that; else make the study again.',
      place: { file, ...(field && { field }) },
      cause,
    });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw bad('it is not whole JSON', undefined, error);
  }
  const head = v.safeParse(v.object({ format: v.literal('unpool-study'), version: positive }), value);
  if (!head.success) throw bad('it does not say that it is one', v.getDotPath(head.issues[0]) ?? undefined);
  if (head.output.version > formatVersion)
    throw new UnpoolError(
      'study-too-new',
      `The study is written in version ${head.output.version} of its format; this program reads up to ${formatVersion}.`,
      { hint: 'Open it with a newer Unpool.', place: { file, field: 'version' } },
    );
  const result = v.safeParse(manifestSchema, value);
  if (!result.success) {
    const [issue] = result.issues;
    const field = v.getDotPath(issue) ?? undefined;
    throw bad(`${field ?? 'a field'} is wrong (${issue.message})`, field);
  }
  const ids = new Set(result.output.layers.map((layer) => layer.id));
  if (ids.size !== result.output.layers.length) throw bad('two layers have the same id', 'layers');
  return result.output;
}

export async function writeManifest(folder: string, manifest: Manifest): Promise<void> {
  await writeWhole(join(folder, manifestName), `${JSON.stringify(manifest, null, 2)}\n`);
}
