import {
  figureKinds,
  type Box,
  type FigureKind,
  type MethodChoice,
  type RuleRow,
  type Settings,
} from '../../../preload/contract';
import { UnpoolError } from '../errors';
import { readSpec, type FigureSpec } from './spec';

/** What every file of a figure carries: SPEC.md says what each field means. */
export interface FigureRecord {
  format: 'unpool-record';
  version: number;
  kind: FigureKind;
  dpi: number;
  spec: FigureSpec;
  study: string;
  model: { name: string; sha256: string };
  pictures: { count: number; identity: string };
  preprocessing: unknown;
  settings: Settings;
  scan: { done: number; total: number };
  versions: Record<string, string>;
  walks: RecordedWalk[];
  panels: RecordedPanel[];
}

/** What the file of an atlas carries: a record's head, and the layer that is shown whole (its id). */
export interface AtlasRecord extends Omit<FigureRecord, 'format' | 'kind' | 'dpi' | 'walks' | 'panels'> {
  format: 'unpool-atlas';
  layer: string;
}

export interface RecordedWalk {
  layer: string;
  method: MethodChoice;
  name: string;
  extent: 'cone' | 'picture';
  rules: RuleRow[];
}

export interface RecordedPanel {
  row: number;
  layer: string;
  name: string;
  unit: number;
  label: string | null;
  walk: number | null;
  refused: string | null;
  level: number;
  tiles: RecordedTile[];
}

export interface RecordedTile {
  picture: number;
  file: string;
  class: string | null;
  sha256: string;
  activation: number;
  y: number;
  x: number;
  box: Box;
  reconstruction: string | null;
  patch: string | null;
}

export const recordVersion = 1;

const damaged = (): UnpoolError =>
  new UnpoolError('no-figure', 'The data in the file are damaged.', { hint: 'Take the file as Unpool saved it.' });

/** Checks what was found in a file. Throws UnpoolError. */
export function readRecord(value: unknown): FigureRecord | AtlasRecord {
  const record = value as Partial<FigureRecord | AtlasRecord> | null;
  if (typeof record !== 'object' || record === null || !/^unpool-(record|atlas)$/.test(record.format ?? ''))
    throw new UnpoolError('no-figure', 'The data in the file are not those of a figure.', {
      hint: 'Take the file as Unpool saved it.',
    });
  if (typeof record.version === 'number' && record.version > recordVersion)
    throw new UnpoolError(
      'newer-figure',
      `The figure's record is of version ${record.version}; this program reads up to ${recordVersion}.`,
      { hint: 'Use a newer Unpool.', place: { field: 'version' } },
    );
  const spec = readSpec(record.spec);
  const headFits =
    typeof record.model?.sha256 === 'string' &&
    typeof record.pictures?.identity === 'string' &&
    typeof record.scan === 'object' &&
    typeof record.versions === 'object';
  if (!headFits) throw damaged();
  if (record.format === 'unpool-atlas') {
    if (typeof record.layer !== 'string') throw damaged();
    return { ...(record as AtlasRecord), spec };
  }
  const { kind, dpi, panels } = record as Partial<FigureRecord>;
  const fits =
    figureKinds.some((each) => each === kind) &&
    typeof dpi === 'number' &&
    Array.isArray(panels) &&
    panels.every((panel) => typeof panel === 'object' && panel !== null && Array.isArray(panel.tiles));
  if (!fits) throw damaged();
  return { ...(record as FigureRecord), spec };
}
