import { ramp } from './display';
import { breakText, fitText, type Measure, type Rectangle, type Scene, type SceneItem } from './scene';
import { isSingle, pagePresets, type FigureSpec } from './spec';
import { figures, letter, methodWords, noteOf, wordsOf } from './words';

/** What a panel shows: pictures by name, in the order of rank. */
export interface PanelContent {
  layer: string;
  unit: number;
  /** The class of an output unit. */
  label: string | null;
  /** Its method, where the figure has several. */
  method: string | null;
  activations: number[];
  /** Width by height of the field. */
  aspect: number;
  /** Names of pictures; empty where there is no way back. */
  reconstructions: string[];
  patches: string[];
  /** Why there are no reconstructions. */
  refused: string | null;
  /** Largest |value| that its greys stand for; 0 where nothing is shown. */
  level: number;
}

export interface RowContent {
  panels: PanelContent[];
}

/** mm to pt. */
export const mm = 72 / 25.4;
/** Name of the picture of the scale of greys. */
export const rampName = 'ramp';

export const themes = {
  light: { ground: '#ffffff', ink: '#1a1a18', dim: '#66645e', faint: '#f0f0ec', bar: '#8d8b84', mid: '#808080' },
  dark: { ground: '#161615', ink: '#ebeae5', dim: '#a3a19a', faint: '#262524', bar: '#8d8b84', mid: '#808080' },
} as const;

/** Smallest side of a tile that is chosen unasked. */
const legible = 8 * mm;
/** Of lines of text, in their sizes. */
const leading = 1.32;

/** What follows from a spec, in pt. */
export interface Measures {
  width: number;
  height: number | null;
  size: number;
  small: number;
  tile: number;
  pair: number;
  panel: number;
  margin: number;
  below: boolean;
}

export function measuresOf(spec: FigureSpec): Measures {
  const page = typeof spec.page === 'string' ? pagePresets[spec.page] : spec.page;
  const wide = spec.page === 'slide';
  const { font, gaps, grid } = spec;
  const size = font.size ?? (wide ? 14 : 7);
  return {
    width: page.width * mm,
    height: page.height === null ? null : page.height * mm,
    size,
    small: size * 0.88,
    tile: (gaps.tile ?? (wide ? 0.7 : 0.35)) * mm,
    pair: (gaps.pair ?? (wide ? 2.4 : 1.2)) * mm,
    panel: (gaps.panel ?? (wide ? 8 : 4)) * mm,
    margin: (gaps.margin ?? (wide ? 10 : 0)) * mm,
    below: spec.pair === 'below' || (spec.pair === 'auto' && grid[1] > 2 * grid[0]),
  };
}

/** Side of a tile where `columns` panels share `width`. */
function tileSide(spec: FigureSpec, m: Measures, width: number, columns: number): number {
  const panel = (width - (columns - 1) * m.panel) / columns;
  const halves = spec.show === 'both' && !m.below ? 2 : 1;
  const block = (panel - (halves - 1) * m.pair) / halves;
  return (block - (spec.grid[1] - 1) * m.tile) / spec.grid[1];
}

/** Panels side by side: as many as stay legible, then as few as fill as many lines, evenly where that goes. */
function columnsFor(spec: FigureSpec, m: Measures, width: number, lines: readonly number[]): number {
  if (spec.columns > 0) return spec.columns;
  const most = Math.max(1, ...lines);
  let columns = 1;
  while (columns < most && tileSide(spec, m, width, columns + 1) >= legible) columns++;
  const lineCount = (count: number): number => lines.reduce((sum, panels) => sum + Math.ceil(panels / count), 0);
  while (columns > 1 && lineCount(columns - 1) === lineCount(columns)) columns--;
  return columns;
}

/** Rows of one unit that follow one another share lines; a row of several has lines of its own. */
interface Group {
  /** Indices of rows. */
  rows: number[];
  own: boolean;
}

function groupsOf(spec: FigureSpec): Group[] {
  const groups: Group[] = [];
  spec.rows.forEach((row, index) => {
    const last = groups.at(-1);
    if (isSingle(row) && last && !last.own) last.rows.push(index);
    else groups.push({ rows: [index], own: !isSingle(row) });
  });
  return groups;
}

/** Sets a figure. `rows` are the contents of the spec's rows, `methods` their methods as they stand on figures. */
export function layoutFigure(
  spec: FigureSpec,
  rows: readonly RowContent[],
  methods: readonly string[],
  measure: Measure,
): Scene {
  const m = measuresOf(spec);
  const inner = m.width - 2 * m.margin;
  if (m.height === null) return setAt(spec, rows, methods, measure, m, inner);
  // The widest that fits; with the columns chosen anew for each number of them.
  const room = m.height;
  const most = spec.columns > 0 ? spec.columns : Math.max(1, ...rows.map((row) => row.panels.length), rows.length);
  let best: { side: number; scene: Scene } | null = null;
  for (let columns = spec.columns > 0 ? most : 1; columns <= Math.min(most, 24); columns++) {
    const fixed = { ...spec, columns };
    let [low, high] = [0, inner];
    const at = (width: number): Scene => setAt(fixed, rows, methods, measure, m, width);
    if (at(inner).height <= room) low = inner;
    else
      for (let step = 0; step < 24; step++) {
        const middle = (low + high) / 2;
        if (tileSide(fixed, m, middle, columns) > 0 && at(middle).height <= room) low = middle;
        else high = middle;
      }
    const side = tileSide(fixed, m, low, columns);
    if (side > 0 && (!best || side > best.side + 1e-6)) best = { side, scene: at(low) };
  }
  const scene = best?.scene ?? setAt(spec, rows, methods, measure, m, inner);
  const down = Math.max(0, (room - scene.height) / 2);
  return { ...scene, height: room, items: scene.items.map((item) => ({ ...item, y: item.y + down })) };
}

/** Sets the content at this width, in the middle of the page, as high as it becomes. */
function setAt(
  spec: FigureSpec,
  rows: readonly RowContent[],
  methods: readonly string[],
  measure: Measure,
  m: Measures,
  width: number,
): Scene {
  const theme = themes[spec.theme];
  const words = wordsOf(spec);
  const items: SceneItem[] = [];
  const left = (m.width - width) / 2;
  const groups = groupsOf(spec);
  const lines = groups.map(({ rows: indices, own }) =>
    own ? (rows[indices[0]!]?.panels.length ?? 0) : indices.length,
  );
  const columns = columnsFor(spec, m, width, lines);
  const panelWidth = (width - (columns - 1) * m.panel) / columns;
  const side = Math.max(0.5, tileSide(spec, m, width, columns));
  const [down, across] = spec.grid;
  const block = { width: across * (side + m.tile) - m.tile, height: down * (side + m.tile) - m.tile };
  const kinds = spec.show === 'both' ? (['reconstruction', 'patch'] as const) : ([spec.show] as const);
  const text = (
    words: string,
    x: number,
    baseline: number,
    more: { size?: number; weight?: 400 | 600; fill?: string; width: number },
  ): number => {
    const { size = m.size, weight = 400, fill = theme.ink } = more;
    const fitted = fitText(words, more.width, (part) => measure(part, size, weight));
    if (fitted) items.push({ kind: 'text', x, y: baseline, text: fitted, size, weight, fill });
    return measure(fitted, size, weight);
  };

  /** Letter and title on one line. */
  const title = (words: string, sign: string, x: number, baseline: number, room: number): void => {
    const used = sign ? text(sign, x, baseline, { weight: 600, width: room }) + m.size * 0.45 : 0;
    text(words, x + used, baseline, { weight: sign ? 400 : 600, width: room - used });
  };

  /** Both blocks of a panel with their top left at (x, y). Returns its height. */
  const panelAt = (panel: PanelContent, x: number, y: number): number => {
    kinds.forEach((kind, place) => {
      const at: Rectangle = {
        x: x + (m.below ? 0 : place * (block.width + m.pair)),
        y: y + (m.below ? place * (block.height + m.pair) : 0),
        ...block,
      };
      tiles(panel, kind, at);
    });
    let height = m.below ? kinds.length * block.height + (kinds.length - 1) * m.pair : block.height;
    if (spec.bars && panel.activations.length > 0) height += bars(panel, x, y + height);
    return height;
  };

  const tiles = (panel: PanelContent, kind: 'reconstruction' | 'patch', at: Rectangle): void => {
    const names = kind === 'reconstruction' ? panel.reconstructions : panel.patches;
    const why =
      kind === 'reconstruction' && panel.refused !== null ? panel.refused : names.length === 0 ? words.never : null;
    if (why !== null) {
      items.push({ kind: 'rect', ...at, fill: theme.faint });
      const pad = m.small * 0.6;
      const room = Math.max(1, Math.floor((at.height - 2 * pad) / (m.small * leading)));
      breakText(why, at.width - 2 * pad, (part) => measure(part, m.small, 400))
        .slice(0, room)
        .forEach((line, i) =>
          text(line, at.x + pad, at.y + pad + m.small * (0.8 + i * leading), {
            size: m.small,
            fill: theme.dim,
            width: at.width - 2 * pad,
          }),
        );
      return;
    }
    names.slice(0, down * across).forEach((picture, place) => {
      const cell = {
        x: at.x + (place % across) * (side + m.tile),
        y: at.y + Math.floor(place / across) * (side + m.tile),
      };
      const [w, h] = [Math.min(side, side * panel.aspect), Math.min(side, side / panel.aspect)];
      if (w < side || h < side) items.push({ kind: 'rect', ...cell, width: side, height: side, fill: theme.mid });
      items.push({
        kind: 'picture',
        picture,
        x: cell.x + (side - w) / 2,
        y: cell.y + (side - h) / 2,
        width: w,
        height: h,
      });
    });
  };

  /** The activations as bars over one block's width, and in words beside them. */
  const bars = (panel: PanelContent, x: number, y: number): number => {
    const high = m.size * 1.5;
    const top = y + m.size * 0.5;
    const shown = panel.activations.slice(0, down * across);
    const most = Math.max(...shown.map(Math.abs), Number.MIN_VALUE);
    const [first, last] = [shown[0]!, shown.at(-1)!].map((value) => figures(value, spec.language)) as [string, string];
    const range = shown.length > 1 ? words.range(first, last) : first;
    const side2 = kinds.length === 2 && !m.below;
    const wide = side2 ? block.width : panelWidth - measure(range, m.small, 400) - m.size;
    const step = wide / (down * across);
    shown.forEach((value, i) => {
      const length = (high * Math.abs(value)) / most;
      items.push({
        kind: 'rect',
        x: x + i * step,
        y: top + high - length,
        width: step * 0.5,
        height: length,
        fill: theme.bar,
      });
    });
    const at = side2 ? x + block.width + m.pair : x + wide + m.size * 0.5;
    text(range, at, top + high, { size: m.small, fill: theme.dim, width: panelWidth - (at - x) });
    return high + m.size * 0.6;
  };

  /** A paragraph below something. Returns its height. */
  const paragraph = (words: string, x: number, y: number, room: number): number => {
    if (!words) return 0;
    const broken = breakText(words, room, (part) => measure(part, m.small, 400));
    broken.forEach((line, i) =>
      text(line, x, y + m.small * (1.25 + i * leading), { size: m.small, fill: theme.dim, width: room }),
    );
    return m.small * (0.55 + broken.length * leading);
  };

  let headed = !spec.headings || m.below;
  /** "Reconstruction" and "Patch" above the blocks of the first line of panels. Returns their height. */
  const headings = (count: number, top: number): number => {
    if (headed) return 0;
    headed = true;
    for (let column = 0; column < count; column++)
      kinds.forEach((kind, at) =>
        text(words[kind], place(column) + at * (block.width + m.pair), top + m.small * 0.75, {
          size: m.small,
          fill: theme.dim,
          width: block.width,
        }),
      );
    return m.small * 1.25;
  };
  let y = m.margin;

  const place = (column: number): number => left + column * (panelWidth + m.panel);
  groups.forEach((group, order) => {
    if (order > 0) y += m.panel;
    if (group.own) {
      const index = group.rows[0]!;
      const [row, content] = [spec.rows[index]!, rows[index]!];
      const words = row.title ?? `${content.panels[0]?.layer ?? row.layer}`;
      const sign = letter(index, spec.letters);
      if (words || sign) {
        title(words, sign, left, y + m.size * 0.92, width);
        y += m.size * 1.5;
      }
      for (let from = 0; from < content.panels.length; from += columns) {
        if (from > 0) y += m.panel * 0.75;
        const shown = content.panels.slice(from, from + columns);
        shown.forEach((panel, column) =>
          text(named(spec, panel, false), place(column), y + m.small * 0.8, {
            size: m.small,
            fill: theme.dim,
            width: panelWidth,
          }),
        );
        y += m.small * 1.35;
        y += headings(shown.length, y);
        y += Math.max(...shown.map((panel, column) => panelAt(panel, place(column), y)));
      }
      y += paragraph(row.caption, left, y, width);
      return;
    }
    for (let from = 0; from < group.rows.length; from += columns) {
      if (from > 0) y += m.panel;
      const shown = group.rows.slice(from, from + columns);
      const heads = shown.map((index) => {
        const [row, panel] = [spec.rows[index]!, rows[index]!.panels[0]!];
        return { words: row.title ?? named(spec, panel, true), sign: letter(index, spec.letters), panel, row };
      });
      if (heads.some(({ words, sign }) => words || sign)) {
        heads.forEach(({ words, sign }, column) => title(words, sign, place(column), y + m.size * 0.92, panelWidth));
        y += m.size * 1.5;
      }
      y += headings(heads.length, y);
      const heights = heads.map(({ panel, row }, column) => {
        const height = panelAt(panel, place(column), y);
        return height + paragraph(row.caption, place(column), y + height, panelWidth);
      });
      y += Math.max(...heights);
    }
  });

  y += foot(y);
  return { width: m.width, height: y + m.margin, ground: theme.ground, family: spec.font.family, items };

  /** The note and the scale of greys. Returns their height. */
  function foot(top: number): number {
    const panels = rows.flatMap((row) => row.panels);
    const shown = panels.some((panel) => panel.reconstructions.length > 0) && spec.show !== 'patch';
    const withRamp = spec.ramp && shown;
    if (panels.length === 0 || (!withRamp && !spec.note)) return 0;
    const start = top + m.size * 1.1;
    const wide = Math.min(width, m.size * 13);
    const high = m.size * 0.55;
    const beside = width > m.size * 34;
    let used = 0;
    if (withRamp) {
      const x = beside ? left + width - wide : left;
      items.push({ kind: 'picture', picture: rampName, x, y: start, width: wide, height: high });
      const [low, middle, top2] = ramp(spec, Math.max(...panels.map((panel) => panel.level)));
      const baseline = start + high + m.small * 1.05;
      const put = (words: string, share: number): void => {
        const length = measure(words, m.small, 400);
        text(words, x + share * (wide - length), baseline, { size: m.small, fill: theme.dim, width: wide });
      };
      put(low, 0);
      put(middle, 0.5);
      put(top2, 1);
      used = high + m.small * 1.3;
    }
    if (!spec.note) return m.size * 1.1 + used;
    const room = beside && withRamp ? width - wide - m.panel - m.size : width;
    const noteTop = beside ? start - m.small * 0.45 : start + used;
    const height = paragraph(noteOf(spec, methods, m.below), left, noteTop, room);
    return m.size * 1.1 + (beside ? Math.max(used, height - m.small * 0.45) : used + height);
  }
}

function named(spec: FigureSpec, { layer, unit, label, method }: PanelContent, full: boolean): string {
  const own = wordsOf(spec).unit(unit) + (label ? ` (${label})` : '');
  return [...(full ? [layer] : []), own, ...(method ? [methodWords(spec, method)] : [])].join(', ');
}
