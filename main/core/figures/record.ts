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

/** Checks what was found in a file. Throws UnpoolError. */
export function readRecord(value: unknown): FigureRecord {
  const record = value as Partial<FigureRecord> | null;
  if (typeof record !== 'object' || record === null || record.format !== 'unpool-record')
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
  const fits =
    figureKinds.some((kind) => kind === record.kind) &&
    typeof record.dpi === 'number' &&
    typeof record.model?.sha256 === 'string' &&
    typeof record.pictures?.identity === 'string' &&
    typeof record.versions === 'object' &&
    Array.isArray(record.panels) &&
    record.panels.every((panel) => typeof panel === 'object' && panel !== null && Array.isArray(panel.tiles));
  if (!fits)
    throw new UnpoolError('no-figure', 'The data in the file are damaged.', {
      hint: 'Take the file as Unpool saved it.',
    });
  return { ...(record as FigureRecord), spec };
}
