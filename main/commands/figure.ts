import { stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { atlasKinds, figureKinds, type FigureKind, type LayerInfo, type StudyInfo } from '../../preload/contract';
import { unitSpec, type figureLanguages } from '../core/figures/spec';
import { seconds } from './scan';
import {
  absolute,
  interrupted,
  interruptible,
  line,
  megabytes,
  methodFrom,
  Misused,
  print,
  say,
  Told,
  withEngine,
  type MethodOptions,
  unlessStopped,
} from './shared';

/** `unpool figure`, `unpool verify`, `unpool atlas`. */

export interface FigureOptions extends MethodOptions {
  layer?: string;
  unit?: number;
  spec?: string;
  study?: string;
  scale: 'shared' | 'own';
  contrast: number;
  page: 'single' | 'double' | 'slide';
  language: (typeof figureLanguages)[number];
  dpi: number;
  kind?: FigureKind;
  out: string;
  json?: boolean;
}

/** The kind of a file by its name. */
function kindOf(file: string, kind: FigureKind | undefined): FigureKind {
  const extension = path.extname(file).slice(1).toLowerCase();
  const named = kind ?? (file === '-' ? 'png' : figureKinds.find((each) => each === extension));
  if (!named) throw new Told(`${file}: a figure is one of ${figureKinds.join(', ')}. Name the file so, or add --kind.`);
  return named;
}

export async function figure(studyPath: string | undefined, options: FigureOptions): Promise<number> {
  const place = studyPath ?? options.study;
  if (!place) throw new Misused('Name the study. Try "unpool figure --help".');
  if (!options.spec && (options.layer === undefined || options.unit === undefined))
    throw new Misused('Name a unit with --layer and --unit, or a figure with --spec.');
  const kind = kindOf(options.out, options.kind);
  return withEngine(async (client) => {
    const study = await client.call('study.open', { path: absolute(place) });
    const { layer, unit, scale, contrast, page, language } = options;
    const spec = options.spec
      ? await client.call('figure.spec', { path: absolute(options.spec) })
      : unitSpec(
          { layer: layerNamed(study, layer!).id, unit: unit!, k: study.settings.k },
          { method: methodFrom(options), scale, contrast, page, language },
        );
    const signal = interruptible();
    const made = await unlessStopped(
      signal,
      client.call(
        'figure.make',
        { study: study.path, spec, kind, dpi: options.dpi },
        { signal, onItem: ({ done, total }) => line(`${done} of ${total} tiles`) },
      ),
    );
    line('');
    if (!made) return interrupted;
    await writeOut(options, kind, made.bytes, `Wrote ${options.out}.`);
    return 0;
  });
}

/** Writes the file and tells of it; what goes to standard output is not told of. */
async function writeOut(
  { out, json }: Pick<FigureOptions, 'out' | 'json'>,
  kind: string,
  bytes: Uint8Array,
  told: string,
): Promise<void> {
  if (out === '-') process.stdout.write(bytes);
  else
    await writeFile(absolute(out), bytes).catch((error: NodeJS.ErrnoException) => {
      const why = error.code === 'ENOENT' ? 'its folder does not exist' : error.message;
      throw new Told(`${out} cannot be written: ${why}.`);
    });
  if (json) print(JSON.stringify({ path: absolute(out), kind, bytes: bytes.length }));
  else if (out !== '-') say(told);
}

export interface AtlasOptions extends MethodOptions {
  layer: string;
  scale: 'shared' | 'own';
  contrast: number;
  out: string;
  json?: boolean;
}

export async function atlas(place: string, options: AtlasOptions): Promise<number> {
  const extension = path.extname(options.out).slice(1).toLowerCase();
  const kind = atlasKinds.find((each) => each === extension);
  if (!kind) throw new Told(`${options.out}: an atlas is .html or .pdf.`);
  return withEngine(async (client) => {
    const study = await client.call('study.open', { path: absolute(place) });
    const layer = layerNamed(study, options.layer);
    const signal = interruptible();
    const started = Date.now();
    const { scale, contrast } = options;
    const made = await unlessStopped(
      signal,
      client.call(
        'atlas.make',
        // The engine writes it as it is made.
        {
          study: study.path,
          layer: layer.id,
          method: methodFrom(options),
          scale,
          contrast,
          kind,
          path: absolute(options.out),
        },
        {
          signal,
          onItem: ({ done, total }) => {
            const passed = (Date.now() - started) / 1000;
            line(`${done} of ${total} tiles${passed > 2 ? seconds((passed / done) * (total - done)) : ''}`);
          },
        },
      ),
    );
    line('');
    if (!made) return interrupted;
    const file = absolute(options.out);
    const { size: bytes } = await stat(file);
    if (options.json) print(JSON.stringify({ path: file, kind, bytes }));
    else say(`Wrote ${options.out} (${layer.units} units, ${megabytes(bytes)}).`);
    return 0;
  });
}

/** A layer by its name or id. */
function layerNamed(study: StudyInfo, name: string): LayerInfo {
  const scanned = study.layers.filter((each) => each.scanned);
  const layer = scanned.find((each) => each.name === name) ?? scanned.find((each) => each.id === name);
  if (layer) return layer;
  throw new Told(`The study has no layer "${name}". It has: ${scanned.map((each) => each.name).join(', ')}.`);
}

/** 0: the same, 1: something differs. */
export async function verify(file: string, options: { study?: string; json?: boolean }): Promise<number> {
  return withEngine(async (client) => {
    const report = await client.call(
      'figure.verify',
      { path: absolute(file), study: options.study ? absolute(options.study) : '' },
      { onItem: ({ done, total }) => line(`${done} of ${total} tiles`) },
    );
    line('');
    if (options.json) print(JSON.stringify(report, null, 2));
    else {
      const what = `${report.units} units, ${report.tiles} tiles, made again from ${report.study}`;
      print(report.same ? `${file} is the same: ${what}.` : `${file} differs: ${what}.`);
      for (const { text } of report.differences) print(`- ${text}`);
      for (const note of report.notes) print(note);
    }
    return report.same ? 0 : 1;
  });
}
