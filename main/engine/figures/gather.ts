import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import type { MethodChoice, Pixels, Signal, TopEntry } from '../../../preload/contract';
import { throwIfCancelled, UnpoolError } from '../../core/errors';
import { rampPixels, signalToPixels } from '../../core/figures/display';
import { levelOf } from '../../core/figures/level';
import { layoutFigure, rampName, type PanelContent, type RowContent } from '../../core/figures/layout';
import type { RecordedPanel, RecordedWalk } from '../../core/figures/record';
import type { Scene } from '../../core/figures/scene';
import type { FigureRow, FigureSpec } from '../../core/figures/spec';
import { stampOf } from '../../core/methods/index';
import type { Layer } from '../../core/program/network';
import type { LayerView } from '../study/tables';
import type { Study } from '../study/study';
import type { Context } from '../handlers/context';
import { checkUnit, topEntries } from '../handlers/units';
import type { Priority } from '../jobs/queue';
import { measureWith } from './fonts';

/** One unit of a figure, from the spec to its pixels. */
export interface Panel {
  row: number;
  layer: Layer;
  unit: number;
  label: string | null;
  method: MethodChoice;
  entries: TopEntry[];
  /** In the order of the entries; null where there is no way back, or none was asked for. */
  signals: Signal[] | null;
  refused: string | null;
  walk: number | null;
  level: number;
}

export interface Gathered {
  panels: Panel[];
  walks: RecordedWalk[];
  methods: string[];
}

/** Places in a figure count from the strongest: as many entries of a unit are taken as its grid has. */
const places = (spec: FigureSpec): number => spec.grid[0] * spec.grid[1];

/** The units that a spec names, with their entries. Throws UnpoolError that names the row. */
export async function resolve(study: Study, spec: FigureSpec): Promise<Panel[]> {
  const panels: Panel[] = [];
  const { labels, outputLayer } = study.manifest;
  for (const [index, row] of spec.rows.entries()) {
    const layer = layerOf(study, row, index);
    const view = await study.view(layer);
    for (const unit of unitsOf(row, layer, view))
      panels.push({
        row: index,
        layer,
        unit,
        label: layer.id === outputLayer ? (labels?.[unit] ?? null) : null,
        method: row.method ?? spec.method,
        entries: topEntries(study, layer, view.top, unit).slice(0, places(spec)),
        signals: null,
        refused: null,
        walk: null,
        level: 0,
      });
  }
  return panels;
}

/** By id, or by name as the program lists it. */
function layerOf(study: Study, row: FigureRow, index: number): Layer {
  const { layers } = study.manifest;
  const layer = layers.find(({ id }) => id === row.layer) ?? layers.find(({ name }) => name === row.layer);
  if (layer?.scanned) return study.layer(layer.id);
  const names = layers.filter(({ scanned }) => scanned).map(({ name }) => name);
  throw new UnpoolError('no-layer', `The study has no units of a layer "${row.layer}" (row ${index + 1}).`, {
    hint: `It has: ${names.join(', ')}.`,
    place: { field: `rows.${index}.layer` },
  });
}

function unitsOf(row: FigureRow, layer: Layer, { top }: LayerView): number[] {
  if (Array.isArray(row.units)) {
    for (const unit of row.units) checkUnit(layer, unit);
    return row.units;
  }
  const { first, by } = row.units;
  const all = Array.from({ length: layer.units }, (_, unit) => unit);
  const strength = (unit: number): number => (top.count[unit] ? top.activation[unit * top.k]! : -Infinity);
  if (by === 'activation') all.sort((a, b) => strength(b) - strength(a) || a - b);
  return all.slice(0, first);
}

/** Makes the panels' reconstructions, those of one layer and method together; `tell` hears of each. */
export async function reconstruct(
  { reconstructions }: Pick<Context, 'reconstructions'>,
  study: Study,
  panels: readonly Panel[],
  options: { priority: Priority; signal: AbortSignal; tell: () => void },
): Promise<RecordedWalk[]> {
  const groups = new Map<string, Panel[]>();
  for (const panel of panels) {
    const key = JSON.stringify([panel.layer.id, panel.method]);
    groups.set(key, [...(groups.get(key) ?? []), panel]);
  }
  const walks: RecordedWalk[] = [];
  for (const group of groups.values()) {
    const { layer, method } = group[0]!;
    const wanted = group.flatMap((panel) =>
      panel.entries.map(({ picture, y, x }, rank) => ({
        panel,
        rank,
        unit: panel.unit,
        picture,
        place: y * layer.map[1] + x,
      })),
    );
    for (const panel of group) panel.signals = [];
    try {
      const { signal, priority, tell } = options;
      const plan = await reconstructions.run({ study, layer, method, wanted, priority, signal }, (index, made) => {
        const { panel, rank } = wanted[index]!;
        panel.signals![rank] = made.signal;
        tell();
      });
      for (const panel of group) {
        panel.walk = walks.length;
        panel.level = levelOf(panel.signals ?? []);
      }
      walks.push({
        layer: layer.id,
        method,
        name: stampOf(method, layer),
        extent: plan.extent,
        rules: plan.rules,
      });
    } catch (error) {
      if (!(error instanceof UnpoolError) || error.code !== 'refused') throw error;
      for (const panel of group) Object.assign(panel, { signals: null, refused: error.message });
    }
  }
  return walks;
}

export const pictureName = (panel: number, kind: 'r' | 'p', rank: number): string => `${panel}${kind}${rank}`;

/** What the layout needs to know of the panels, row by row. */
export function contentOf(spec: FigureSpec, panels: readonly Panel[], walks: readonly RecordedWalk[]): RowContent[] {
  const methods = new Set(walks.map(({ name }) => name));
  const level = Math.max(0, ...panels.map((panel) => panel.level));
  const rows = spec.rows.map((): RowContent => ({ panels: [] }));
  panels.forEach((panel, index) => {
    const { layer, unit, label, entries, signals, refused } = panel;
    const { size } = layer.field ?? { size: [1, 1] as const };
    const box = entries[0]?.box;
    const aspect = layer.field ? size[1] / size[0] : box ? (box[3] - box[1]) / (box[2] - box[0]) : 1;
    const names = (kind: 'r' | 'p'): string[] => entries.map((_, rank) => pictureName(index, kind, rank));
    const content: PanelContent = {
      layer: layer.name,
      unit,
      label,
      method: methods.size > 1 && panel.walk !== null ? walks[panel.walk]!.name : null,
      activations: entries.map(({ activation }) => activation),
      aspect,
      reconstructions: signals ? names('r') : [],
      patches: names('p'),
      refused,
      level: spec.scale === 'figure' ? level : panel.level,
    };
    rows[panel.row]!.panels.push(content);
  });
  return rows;
}

export function sceneOf(spec: FigureSpec, panels: readonly Panel[], walks: readonly RecordedWalk[]): Scene {
  const methods = [...new Set(walks.map(({ name }) => name))];
  return layoutFigure(spec, contentOf(spec, panels, walks), methods, measureWith(spec.font.family));
}

/** The pictures that a scene shows, by name: patches as large as they are drawn at `dpi`. */
export async function picturesOf(
  { studies }: Pick<Context, 'studies'>,
  study: Study,
  spec: FigureSpec,
  panels: readonly Panel[],
  scene: Scene,
  options: { dpi: number; signal: AbortSignal; tell: () => void },
): Promise<Map<string, Pixels>> {
  const pictures = new Map<string, Pixels>([[rampName, rampPixels()]]);
  const shown = new Map(
    scene.items.flatMap((item) => (item.kind === 'picture' ? [[item.picture, item] as const] : [])),
  );
  const all = Math.max(0, ...panels.map(({ level }) => level));
  const { channels } = study.manifest.preprocessing;
  const { patches } = await studies.picturesOf(study);
  for (const [index, panel] of panels.entries())
    for (const [rank, entry] of panel.entries.entries()) {
      throwIfCancelled(options.signal);
      const [r, p] = [pictureName(index, 'r', rank), pictureName(index, 'p', rank)];
      const signal = panel.signals?.[rank];
      if (signal && shown.has(r)) {
        const level = { own: () => levelOf([signal]), shared: () => panel.level, figure: () => all }[spec.scale]();
        pictures.set(r, signalToPixels(signal, { level, contrast: spec.contrast, channels }));
      }
      const at = shown.get(p);
      if (at) {
        const side = Math.ceil((Math.max(at.width, at.height) * options.dpi) / 72);
        pictures.set(p, await patches.patch(entry.picture, entry.box, Math.min(2048, Math.max(8, side))));
        options.tell();
      }
    }
  return pictures;
}

const pixelHash = ({ width, height, rgba }: Pixels): string =>
  createHash('sha256').update(`${width} ${height}\n`).update(rgba).digest('hex');

/** The panels as they are recorded. `pictures`: those shown; null where the file shows none. */
export async function recordPanels(
  study: Study,
  panels: readonly Panel[],
  pictures: ReadonlyMap<string, Pixels> | null,
): Promise<RecordedPanel[]> {
  const root = await study.picturesPath();
  const hashes = new Map<number, Promise<string>>();
  const hashOf = (picture: number, file: string): Promise<string> => {
    const hash = hashes.get(picture) ?? fileHash(join(root, file));
    hashes.set(picture, hash);
    return hash;
  };
  const recorded: RecordedPanel[] = [];
  for (const [index, { row, layer, unit, label, walk, refused, level, entries }] of panels.entries()) {
    const tiles: RecordedPanel['tiles'] = [];
    for (const [rank, { picture, file, class: group, activation, y, x, box }] of entries.entries()) {
      const [r, p] = (['r', 'p'] as const).map((kind) => pictures?.get(pictureName(index, kind, rank)));
      tiles.push({
        ...{ picture, file, class: group, sha256: await hashOf(picture, file), activation, y, x, box },
        reconstruction: r ? pixelHash(r) : null,
        patch: p ? pixelHash(p) : null,
      });
    }
    recorded.push({ row, layer: layer.id, name: layer.name, unit, label, walk, refused, level, tiles });
  }
  return recorded;
}

async function fileHash(file: string): Promise<string> {
  const hash = createHash('sha256');
  try {
    for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  } catch (error) {
    throw new UnpoolError('picture-gone', `The picture "${file}" cannot be read.`, {
      hint: 'It may have been moved or deleted since the scan.',
      place: { file },
      cause: error,
    });
  }
  return hash.digest('hex');
}
