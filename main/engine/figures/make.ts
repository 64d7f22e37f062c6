import type { FigureKind, FigurePreview, FigureProgress, Pixels } from '../../../preload/contract';
import type { FigureRecord, RecordedWalk } from '../../core/figures/record';
import type { FigureSpec } from '../../core/figures/spec';
import { csv, npz, type PanelArrays } from '../../core/figures/tables';
import type { Context } from '../handlers/context';
import { joined } from '../study/files';
import type { Study } from '../study/study';
import { picturesOf, reconstruct, recordPanels, resolve, sceneOf, type Panel } from './gather';
import { scenesPdf } from './render/pdf';
import { scenePng } from './render/png';
import { sceneSvg } from './render/svg';
import { resampling } from './resample';

interface Options {
  dpi: number;
  signal: AbortSignal;
  tell(progress: FigureProgress): void;
}

/** Counts what is done of what there is to do. */
function counter(total: number, tell: Options['tell']): () => void {
  let done = 0;
  return () => tell({ done: ++done, total });
}

/** How much there is to do for a figure's tiles: a reconstruction and a patch each. */
const workOf = (panels: readonly Panel[], times: number): number =>
  times * panels.reduce((sum, { entries }) => sum + entries.length, 0);

export interface Made {
  bytes: Uint8Array;
  record: FigureRecord;
}

/** A figure as a file of this kind. The same study and spec give the same bytes. Throws UnpoolError, CancelledError. */
export async function makeFigure(
  context: Context,
  study: Study,
  spec: FigureSpec,
  kind: FigureKind,
  options: Options,
): Promise<Made> {
  const { signal } = options;
  const panels = await resolve(study, spec);
  const tell = counter(workOf(panels, kind === 'csv' ? 0 : 2), options.tell);
  const walks =
    kind === 'csv' || spec.show === 'patch'
      ? []
      : await reconstruct(context, study, panels, { priority: 'interactive', signal, tell });
  const record = async (pictures: ReadonlyMap<string, Pixels> | null): Promise<FigureRecord> => ({
    ...recordHead(context, study, spec),
    kind,
    dpi: options.dpi,
    walks,
    panels: await recordPanels(study, panels, pictures),
  });
  if (kind === 'csv') {
    const made = await record(null);
    return { bytes: new TextEncoder().encode(csv(made)), record: made };
  }
  if (kind === 'npz') {
    const made = await record(null);
    const arrays = await arraysOf(context, study, panels, tell);
    return { bytes: npz(arrays, new TextEncoder().encode(JSON.stringify(made))), record: made };
  }
  const scene = sceneOf(spec, panels, walks);
  const pictures = await picturesOf(context, study, spec, panels, scene, { ...options, tell });
  const made = await record(pictures);
  const text = JSON.stringify(made);
  const { dpi } = options;
  const title = spec.name || study.manifest.name;
  const bytes =
    kind === 'png'
      ? await scenePng(scene, pictures, dpi, text)
      : kind === 'svg'
        ? new TextEncoder().encode(await sceneSvg(scene, pictures, dpi, text))
        : await joined(
            scenesPdf([{ scene, pictures }], dpi, text, { title, program: `Unpool ${context.options.version}` }),
          );
  return { bytes, record: made };
}

/** The scene that a file would show, as SVG, with what is worth knowing of it. */
export async function previewFigure(
  context: Context,
  study: Study,
  spec: FigureSpec,
  options: Options,
): Promise<FigurePreview> {
  const { signal, dpi } = options;
  const panels = await resolve(study, spec);
  const tell = counter(workOf(panels, 2), options.tell);
  const walks =
    spec.show === 'patch' ? [] : await reconstruct(context, study, panels, { priority: 'interactive', signal, tell });
  const scene = sceneOf(spec, panels, walks);
  const pictures = await picturesOf(context, study, spec, panels, scene, { ...options, tell });
  const { width, height } = scene;
  const tile = Math.max(
    0,
    ...scene.items.map((item) => (item.kind === 'picture' && item.picture !== 'ramp' ? item.width : 0)),
  );
  return { svg: await sceneSvg(scene, pictures, dpi, ''), width, height, tile, panels: panels.length };
}

export function recordHead(
  { options, runtime }: Pick<Context, 'options' | 'runtime'>,
  study: Study,
  spec: FigureSpec,
): Omit<FigureRecord, 'kind' | 'dpi' | 'panels' | 'walks'> & { walks: RecordedWalk[] } {
  const { manifest, scan } = study;
  const { preprocessing, settings } = manifest;
  const { meanImage, ...plain } = preprocessing;
  return {
    format: 'unpool-record',
    version: 1,
    spec,
    study: manifest.name,
    model: { name: manifest.model.name, sha256: manifest.model.sha256 },
    pictures: { count: manifest.pictures.count, identity: manifest.pictures.identity },
    // A mean picture is named by its hash: its pixels are in the study.
    preprocessing: meanImage ? { ...plain, meanImage: { file: meanImage.file, sha256: meanImage.sha256 } } : plain,
    settings,
    scan: { done: scan.done, total: scan.total },
    versions: { unpool: options.version, runtime: runtime.name, resampling },
    walks: [],
  };
}

async function arraysOf(
  { studies }: Context,
  study: Study,
  panels: readonly Panel[],
  tell: () => void,
): Promise<PanelArrays[]> {
  const { patches } = await studies.picturesOf(study);
  const all: PanelArrays[] = [];
  for (const { entries, signals } of panels) {
    const n = entries.length;
    const first = signals?.[0];
    const cut: Pixels[] = [];
    for (const { picture, box } of entries) {
      cut.push(await patches.patch(picture, box, Math.max(box[2] - box[0], box[3] - box[1])));
      tell();
    }
    const [height, width] = [cut[0]?.height ?? 0, cut[0]?.width ?? 0];
    const rgb = new Uint8Array(n * height * width * 3);
    cut.forEach(({ rgba }, i) => {
      for (let at = 0; at < height * width; at++)
        rgb.set(rgba.subarray(4 * at, 4 * at + 3), (i * height * width + at) * 3);
    });
    const values = new Float32Array(first ? n * first.data.length : 0);
    signals?.forEach((signal, i) => values.set(signal.data, i * signal.data.length));
    all.push({
      reconstructions: first && { shape: [n, first.channels, first.height, first.width], data: values },
      patches: { shape: [n, height, width, 3], data: rgb },
      activations: Float32Array.from(entries, ({ activation }) => activation),
      places: Int32Array.from(entries.flatMap(({ picture, y, x }) => [picture, y, x])),
    } as PanelArrays);
  }
  return all;
}
