import sharp from 'sharp';
import type { AtlasKind, FigureProgress, MethodChoice, Pixels } from '../../../../preload/contract';
import { UnpoolError } from '../../../core/errors';
import { signalToPixels } from '../../../core/figures/display';
import { levelOf } from '../../../core/figures/level';
import type { AtlasRecord } from '../../../core/figures/record';
import { newSpec, type FigureSpec } from '../../../core/figures/spec';
import { noteOf } from '../../../core/figures/words';
import { stampOf } from '../../../core/methods/index';
import type { Layer } from '../../../core/program/network';
import type { Context } from '../../handlers/context';
import type { Study } from '../../study/study';
import { picturesOf, reconstruct, resolve, sceneOf, type Panel } from '../gather';
import { recordHead } from '../make';
import { scenesPdf, type PdfPage } from '../render/pdf';
import { resample } from '../resample';
import { atlasPage, type AtlasUnit } from './html';

export interface AtlasRequest {
  layer: Layer;
  method: MethodChoice;
  scale: 'own' | 'shared';
  contrast: number;
  kind: AtlasKind;
}

interface Options {
  signal: AbortSignal;
  tell(progress: FigureProgress): void;
}

/** Units that are made at a time: what of them is in memory is let go of afterwards. */
const together = 24;
/** Panels on a page of A4. */
const perPage = 21;
/** No page is larger: browsers would not open it. */
const largest = 300e6;

/** Side of a tile in px: a layer of many units has smaller ones, so that the page stays a size to publish. */
const tileFor = (units: number): number => (units <= 128 ? 96 : units <= 512 ? 72 : units <= 2048 ? 48 : 32);

/** What the file of an atlas carries. */
export function atlasRecord(context: Context, study: Study, request: AtlasRequest): AtlasRecord {
  const spec = newSpec([], {
    grid: [3, 3],
    letters: 'none',
    page: { width: 210, height: 297 },
    gaps: { margin: 12, panel: 4 },
    method: request.method,
    scale: request.scale,
    contrast: request.contrast,
    name: `${study.manifest.name}: ${request.layer.name}`,
  });
  const { walks: _walks, ...head } = recordHead(context, study, spec);
  return { ...head, format: 'unpool-atlas', layer: request.layer.id };
}

/** Every unit of a layer in one document, piece by piece: it is never in memory whole. Throws UnpoolError, CancelledError. */
export async function* makeAtlas(
  context: Context,
  study: Study,
  request: AtlasRequest,
  options: Options,
): AsyncGenerator<Uint8Array> {
  const data = atlasRecord(context, study, request);
  yield* (request.kind === 'pdf' ? pdfAtlas : htmlAtlas)(context, study, request, data, options);
}

/** The layer's units, some at a time, with their reconstructions. */
async function* batches(
  context: Context,
  study: Study,
  { layer }: AtlasRequest,
  spec: FigureSpec,
  size: number,
  options: Options,
): AsyncGenerator<{ panels: Panel[]; spec: FigureSpec; scene: ReturnType<typeof sceneOf> }> {
  let done = 0;
  const tell = (): void => options.tell({ done: ++done, total: total });
  const { top } = await study.view(layer);
  const total = top.count.reduce((sum, count) => sum + Math.min(9, count), 0);
  for (let from = 0; from < layer.units; from += size) {
    const units = Array.from({ length: Math.min(size, layer.units - from) }, (_, i) => from + i);
    const part = { ...spec, rows: newSpec(units.map((unit) => ({ layer: layer.id, units: [unit] }))).rows };
    const panels = await resolve(study, part);
    const walks = await reconstruct(context, study, panels, { priority: 'grid', signal: options.signal, tell });
    if (walks.length === 0) for (const _ of panels.flatMap(({ entries }) => entries)) tell();
    yield { panels, spec: part, scene: sceneOf(part, panels, walks) };
  }
}

async function* htmlAtlas(
  context: Context,
  study: Study,
  request: AtlasRequest,
  data: AtlasRecord,
  options: Options,
): AsyncGenerator<Uint8Array> {
  const { spec } = data;
  const { layer, method } = request;
  const { width, height } = mosaicSize(layer.refused ? 1 : 2, tileFor(layer.units));
  const methods = layer.refused ? [] : [stampOf(method, layer)];
  const facts = [
    layer.refused ? `No reconstructions: ${layer.refused}` : noteOf(spec, methods, false),
    `${study.manifest.model.name}, ${study.manifest.pictures.count} pictures; made with Unpool ${context.options.version}.`,
  ];
  const encoder = new TextEncoder();
  let bytes = 0;
  const page = atlasPage(
    { title: spec.name, facts, shape: width / height, data },
    unitsOf(context, study, request, spec, options),
  );
  for await (const piece of page) {
    bytes += piece.length;
    if (bytes > largest)
      throw new UnpoolError(
        'atlas-too-large',
        `The atlas of "${layer.name}" would be larger than ${largest / 1e6} MB.`,
        {
          hint: 'Save it as PDF.',
        },
      );
    yield encoder.encode(piece);
  }
}

/** What a page shows of each unit of the layer. */
async function* unitsOf(
  context: Context,
  study: Study,
  request: AtlasRequest,
  spec: FigureSpec,
  options: Options,
): AsyncGenerator<{ said: AtlasUnit; picture: Buffer }> {
  const { layer, contrast, scale } = request;
  const tile = tileFor(layer.units);
  const { channels } = study.manifest.preprocessing;
  const { patches } = await context.studies.picturesOf(study);
  for await (const { panels } of batches(context, study, request, spec, together, options))
    for (const { unit, label, entries, signals, level } of panels) {
      const reconstructions = signals?.map((signal) =>
        signalToPixels(signal, { level: scale === 'own' ? levelOf([signal]) : level, contrast, channels }),
      );
      const cut: Pixels[] = [];
      for (const { picture, box } of entries) cut.push(await patches.patch(picture, box, tile));
      const top = entries.map(({ file, class: group, activation }) => ({ file, class: group, activation }));
      yield {
        said: { unit, label, top },
        picture: await mosaic(reconstructions ? [reconstructions, cut] : [cut], tile),
      };
    }
}

const gap = 2;
const between = 6;
const mosaicSize = (blocks: number, tile: number): { width: number; height: number } => {
  const side = 3 * tile + 2 * gap;
  return { width: blocks * side + (blocks - 1) * between, height: side };
};

/** Blocks of nine side by side on mid-grey, as WebP. */
async function mosaic(blocks: readonly Pixels[][], tile: number): Promise<Buffer> {
  const { width, height } = mosaicSize(blocks.length, tile);
  const side = 3 * tile + 2 * gap;
  const tiles = blocks.flatMap((block, place) =>
    block.map(async (pixels, rank) => {
      const scale = tile / Math.max(pixels.width, pixels.height);
      const [w, h] = [pixels.width, pixels.height].map((length) => Math.max(1, Math.round(length * scale)));
      const { data } = await resample(pixels, w!, h!);
      return {
        input: data,
        raw: { width: w!, height: h!, channels: 3 as const },
        left: place * (side + between) + (rank % 3) * (tile + gap) + ((tile - w!) >> 1),
        top: Math.floor(rank / 3) * (tile + gap) + ((tile - h!) >> 1),
      };
    }),
  );
  return sharp({ create: { width, height, channels: 3, background: '#808080' } })
    .composite(await Promise.all(tiles))
    .webp({ quality: 82, smartSubsample: true })
    .toBuffer();
}

function pdfAtlas(
  context: Context,
  study: Study,
  request: AtlasRequest,
  data: AtlasRecord,
  options: Options,
): AsyncGenerator<Uint8Array> {
  const dpi = 120;
  const { spec } = data;
  const own = { ...spec, headings: true };
  async function* pages(): AsyncGenerator<PdfPage> {
    for await (const { panels, spec: part, scene } of batches(context, study, request, own, perPage, options)) {
      const pictures = await picturesOf(context, study, part, panels, scene, {
        ...options,
        dpi,
        tell: () => undefined,
      });
      yield { scene, pictures };
    }
  }
  return scenesPdf(pages(), dpi, JSON.stringify(data), {
    title: spec.name,
    program: `Unpool ${context.options.version}`,
    pictures: 'jpeg',
  });
}
