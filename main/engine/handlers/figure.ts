import { dirname, extname } from 'node:path';
import type { FigureRequest, Signal } from '../../../preload/contract';
import type { Figure, FigureTile } from '../../core/figures/figure';
import { stampOf } from '../../core/methods/index';
import { figurePng } from '../figures/png';
import { writeWhole } from '../study/files';
import { absolute, existing } from '../study/paths';
import { topEntries, unitOf } from './units';
import type { Context, Group } from './context';

/** Side in px of a tile that shows a small field. */
const smallestTile = 112;
/** Side in px of a tile at most, as for any tile that is asked for. */
const largestTile = 1024;

/** Figures of a unit: reconstructions beside patches, ready for a paper. */
export function figureHandlers(context: Context): Group<'figure.render'> {
  return {
    async 'figure.render'({ path, ...request }, { signal }) {
      const target = path ? await targetOf(path) : null;
      const png = await figurePng(await makeFigure(context, request, signal));
      if (target) await writeWhole(target, png);
      return { png, path: target };
    },
  };
}

async function targetOf(path: string): Promise<string> {
  const file = absolute(extname(path).toLowerCase() === '.png' ? path : `${path}.png`);
  await existing(dirname(file), 'folder');
  return file;
}

/** The figure as data: all of the unit's entries with signal and patch. */
async function makeFigure(
  { studies, reconstructions, runtime, options }: Context,
  request: FigureRequest,
  signal: AbortSignal,
): Promise<Figure> {
  const { study, layer, view } = await unitOf(studies, request);
  const { unit, method } = request;
  const entries = topEntries(study, layer, view.top, unit);
  const size = layer.field?.size ?? study.manifest.input.size;
  const tile = Math.min(largestTile, request.tile || Math.max(smallestTile, ...size));
  const { patches } = await studies.picturesOf(study);
  const signals: Signal[] = [];
  await reconstructions.run(
    {
      study,
      layer,
      method,
      wanted: entries.map(({ picture, y, x }) => ({ unit, picture, place: y * layer.map[1] + x })),
      priority: 'interactive',
      signal,
    },
    (index, made) => (signals[index] = made.signal),
  );
  const tiles: FigureTile[] = [];
  for (const [i, { rank: _rank, ...entry }] of entries.entries())
    tiles.push({ ...entry, signal: signals[i]!, patch: await patches.patch(entry.picture, entry.box, tile) });
  const { manifest } = study;
  return {
    layer: layer.name,
    unit,
    label: layer.id === manifest.outputLayer ? (manifest.labels?.[unit] ?? null) : null,
    method: stampOf(method, layer),
    scale: request.scale,
    contrast: request.contrast,
    channels: manifest.preprocessing.channels,
    tiles,
    tile,
    provenance: {
      program: `Unpool ${options.version}`,
      runtime: runtime.name,
      model: manifest.model.name,
      'model sha256': manifest.model.sha256,
      'pictures identity': manifest.pictures.identity,
      'layer id': layer.id,
      'method id': JSON.stringify(method),
      // A mean picture is named by its hash: its pixels are in the study.
      preprocessing: JSON.stringify(manifest.preprocessing, (key, value: unknown) =>
        key === 'data' ? undefined : value,
      ),
      settings: JSON.stringify(manifest.settings),
    },
  };
}
