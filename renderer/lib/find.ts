import { t } from '../i18n';
import type { LayerInfo, UnitNote } from '../../preload/contract';

export interface Found {
  layer: string;
  /** Null: the layer itself. */
  unit: number | null;
  title: string;
  note: string;
}

/** The layer whose units are the classes: the last one with as many units as there are labels. */
export function labelledLayer(layers: readonly LayerInfo[], labels: readonly string[] | null): LayerInfo | null {
  if (!labels) return null;
  return layers.findLast((layer) => layer.scanned && layer.units === labels.length) ?? null;
}

/** Names of a layer's units, where they are the classes. */
export const labelsOf = (
  layers: readonly LayerInfo[],
  labels: readonly string[] | null,
  layer: string | undefined,
): readonly string[] | null => (labelledLayer(layers, labels)?.id === layer ? labels : null);

/**
 * How well a name answers what was typed; lower is better, null is no match: the name itself, its start, the start of a
 * word in it, anywhere in it, then its letters in order ("f5e1" finds "fire5/expand1x1").
 */
export function nameScore(name: string, typed: string): number | null {
  const text = name.toLowerCase();
  const query = typed.toLowerCase();
  if (text === query) return 0;
  if (text.startsWith(query)) return 1;
  const at = text.indexOf(query);
  if (at > 0) return /[^\p{L}\p{N}]/u.test(text[at - 1] ?? '') ? 2 : 3;
  let from = 0;
  for (const letter of query) {
    const next = text.indexOf(letter, from);
    if (next < 0) return null;
    from = next + 1;
  }
  return query.length > 1 ? 4 + from / text.length : null;
}

interface Context {
  layers: readonly LayerInfo[];
  labels: readonly string[] | null;
  /** The layer on the screen: its units come first. */
  current: string | null;
  limit?: number;
  /** What was written of units: found by tag ("#edge" or "edge") and by the words of the note. */
  notes?: readonly UnitNote[];
}

/** Layers and units for what was typed: "conv", "fire5 175", "fire5#175", "175", or a class name. */
export function find(query: string, context: Context): Found[] {
  return rank(query, context)
    .slice(0, context.limit ?? 40)
    .map(({ entry }) => entry);
}

/** As `find`, all of them, with how well each answers: lower is better. */
export function rank(
  query: string,
  { layers, labels, current, notes = [] }: Context,
): { score: number; entry: Found }[] {
  const typed = query.trim();
  const scanned = layers.filter((layer) => layer.scanned);
  if (typed === '') return scanned.map((layer) => ({ score: 0, entry: layerFound(layer) }));

  const found: { score: number; entry: Found }[] = [];
  const number = /^#?(\d+)$/.exec(typed);
  const both = /^(.+?)[\s#:]+(\d+)$/.exec(typed);

  if (number) {
    const unit = Number(number[1]);
    scanned.forEach((layer, position) => {
      if (unit < layer.units) {
        const score = layer.id === current ? -1 : 1 + position / scanned.length;
        found.push({ score, entry: unitFound(layer, unit, labels, layers) });
      }
    });
  }
  if (both) {
    const unit = Number(both[2]);
    for (const layer of scanned) {
      const score = nameScore(layer.name, both[1] ?? '');
      if (score !== null && unit < layer.units) found.push({ score, entry: unitFound(layer, unit, labels, layers) });
    }
  }
  for (const layer of scanned) {
    const score = nameScore(layer.name, typed);
    if (score !== null) found.push({ score: number ? score + 2 : score, entry: layerFound(layer) });
  }
  const classes = labelledLayer(layers, labels);
  if (classes && labels && typed.length > 1 && !number) {
    labels.forEach((label, unit) => {
      const at = label.toLowerCase().indexOf(typed.toLowerCase());
      if (at >= 0) found.push({ score: at === 0 ? 1.5 : 3.5, entry: unitFound(classes, unit, labels, layers) });
    });
  }
  const words = typed.replace(/^#/, '').toLowerCase();
  const there = new Set(found.map(({ entry }) => `${entry.unit} ${entry.layer}`));
  for (const note of words.length > 1 ? notes : []) {
    const layer = scanned.find(({ id }) => id === note.layer);
    const tag = note.tags.some((each) => each.toLowerCase().includes(words));
    if (!layer || (!tag && !note.note.toLowerCase().includes(words))) continue;
    if (there.has(`${note.unit} ${note.layer}`)) continue;
    const entry = unitFound(layer, note.unit, labels, layers);
    found.push({
      score: tag ? 1.2 : 3.2,
      entry: { ...entry, note: [...note.tags, note.note].filter(Boolean).join(' · ') },
    });
  }
  return found.sort((a, b) => a.score - b.score);
}

function layerFound(layer: LayerInfo): Found {
  return { layer: layer.id, unit: null, title: layer.name, note: t('common.units', { n: layer.units }) };
}

function unitFound(
  layer: LayerInfo,
  unit: number,
  labels: readonly string[] | null,
  layers: readonly LayerInfo[],
): Found {
  const label = labelsOf(layers, labels, layer.id)?.[unit];
  return { layer: layer.id, unit, title: `${layer.name} ${unit}`, note: label ?? t('shell.finder.unit') };
}
