import type { FigurePreview, SavedFigure } from '../../preload/contract';
import type { FigureSpec } from '../../main/core/figures/spec';

/** A page of grey tiles: as many panels as the figure has rows. */
export function fakePreview(spec: FigureSpec): FigurePreview {
  const [width, height] = [504, 40 + 150 * Math.ceil(spec.rows.length / 3)];
  const panels = spec.rows
    .map(
      (_, i) =>
        `<rect x="${(i % 3) * 170}" y="${20 + 150 * Math.floor(i / 3)}" width="160" height="80" fill="#808080"/>`,
    )
    .join('');
  return {
    svg: `<svg xmlns="http://www.w3.org/2000/svg" width="${width}pt" height="${height}pt" viewBox="0 0 ${width} ${height}">${panels}</svg>`,
    ...{ width, height, tile: 26, panels: spec.rows.length },
  };
}

/** Figures that are saved as long as the window lasts. */
export function fakeFigures() {
  const saved = new Map<string, SavedFigure>();
  return {
    list: (): SavedFigure[] => [...saved.values()],
    save(id: string, spec: FigureSpec): { id: string } {
      const name = id || `figure-${saved.size + 1}`;
      saved.set(name, { id: name, changed: '2026-03-04T10:00:00Z', spec: structuredClone(spec), problem: null });
      return { id: name };
    },
    remove(id: string): null {
      saved.delete(id);
      return null;
    },
  };
}
