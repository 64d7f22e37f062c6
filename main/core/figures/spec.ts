import * as v from 'valibot';
import { defaultContrast, methodSchema } from '../../../preload/contract';
import { UnpoolError } from '../errors';

/** The figure as data; SPEC.md says what each field means. */

export const figureFormat = 'unpool-figure';
export const figureVersion = 1;

const index = v.pipe(v.number(), v.integer(), v.minValue(0));
const between = (low: number, high: number) => v.pipe(v.number(), v.minValue(low), v.maxValue(high));
const whole = (low: number, high: number) => v.pipe(v.number(), v.integer(), v.minValue(low), v.maxValue(high));
const line = v.pipe(v.string(), v.maxLength(2000));
const fontSize = between(3, 96);
const gap = between(0, 60);
const method = v.optional(methodSchema, { id: 'deconvnet' });

export const letterStyles = ['none', 'a', '(a)', 'A', '(A)'] as const;
export const figureLanguages = ['en', 'ru'] as const;
export const pagePresets = {
  single: { width: 89, height: null },
  double: { width: 183, height: null },
  slide: { width: 338.67, height: 190.5 },
} as const;

export const rowSchema = v.strictObject({
  layer: line,
  units: v.union([
    v.pipe(v.array(index), v.minLength(1), v.maxLength(256)),
    v.strictObject({ first: whole(1, 256), by: v.optional(v.picklist(['activation', 'index']), 'activation') }),
  ]),
  title: v.optional(v.nullable(line), null),
  caption: v.optional(line, ''),
  method: v.optional(v.nullable(methodSchema), null),
});
export type FigureRow = v.InferOutput<typeof rowSchema>;

export const specSchema = v.strictObject({
  format: v.literal(figureFormat),
  version: v.literal(figureVersion),
  name: v.optional(v.pipe(v.string(), v.maxLength(200)), ''),
  rows: v.pipe(v.array(rowSchema), v.maxLength(200)),
  page: v.optional(
    v.union([
      v.picklist(['single', 'double', 'slide']),
      v.strictObject({ width: between(20, 2000), height: v.optional(v.nullable(between(20, 2000)), null) }),
    ]),
    'single',
  ),
  columns: v.optional(whole(0, 24), 0),
  grid: v.optional(v.tuple([whole(1, 10), whole(1, 10)]), [3, 3]),
  show: v.optional(v.picklist(['both', 'reconstruction', 'patch']), 'both'),
  pair: v.optional(v.picklist(['auto', 'beside', 'below']), 'auto'),
  letters: v.optional(v.picklist(letterStyles), '(a)'),
  font: v.optional(
    v.strictObject({ family: v.optional(v.picklist(['sans', 'serif']), 'sans'), size: v.optional(fontSize) }),
    {},
  ),
  gaps: v.optional(
    v.strictObject({
      tile: v.optional(gap),
      pair: v.optional(gap),
      panel: v.optional(gap),
      margin: v.optional(gap),
    }),
    {},
  ),
  theme: v.optional(v.picklist(['light', 'dark']), 'light'),
  method,
  scale: v.optional(v.picklist(['own', 'shared', 'figure']), 'shared'),
  contrast: v.optional(between(0.1, 20), defaultContrast),
  headings: v.optional(v.boolean(), true),
  bars: v.optional(v.boolean(), false),
  ramp: v.optional(v.boolean(), true),
  note: v.optional(v.boolean(), true),
  /** Left out: English. Not filled in, so that a figure that does not say it stays byte for byte what it was. */
  language: v.exactOptional(v.picklist(figureLanguages)),
});
export type FigureSpec = v.InferOutput<typeof specSchema>;

/** A figure of these rows with every other choice at its default. */
export const newSpec = (rows: v.InferInput<typeof rowSchema>[], more: Partial<v.InferInput<typeof specSchema>> = {}) =>
  v.parse(specSchema, { format: figureFormat, version: figureVersion, rows, ...more });

/** One unit by itself: of k entries at most nine, in a square. */
export function unitSpec(
  { layer, unit, k }: { layer: string; unit: number; k: number },
  more: Partial<v.InferInput<typeof specSchema>>,
): FigureSpec {
  const side = Math.ceil(Math.sqrt(Math.min(9, k)));
  return newSpec([{ layer, units: [unit] }], { grid: [side, side], letters: 'none', ...more });
}

/** Checks a spec. Throws UnpoolError that names the field, or the version where it is a later one. */
export function readSpec(value: unknown): FigureSpec {
  const bad = (message: string, field?: string): UnpoolError =>
    new UnpoolError('bad-figure', message, {
      hint: 'main/core/figures/SPEC.md says what a figure holds.',
      ...(field !== undefined && { place: { field } }),
    });
  const head = value as { format?: unknown; version?: unknown } | null;
  if (typeof head !== 'object' || head === null || head.format !== figureFormat)
    throw bad(`This is no figure: its "format" is not "${figureFormat}".`, 'format');
  if (typeof head.version === 'number' && head.version > figureVersion)
    throw new UnpoolError(
      'newer-figure',
      `The figure is of version ${head.version}; this program reads up to ${figureVersion}.`,
      { hint: 'Use a newer Unpool.', place: { field: 'version' } },
    );
  const parsed = v.safeParse(specSchema, value);
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  const field = v.getDotPath(issue) ?? '';
  throw bad(`The figure's "${field}" is wrong: ${issue.message}.`, field);
}

/** Whether a row is one unit: then its panel flows with its neighbours. */
export const isSingle = (row: FigureRow): boolean => Array.isArray(row.units) && row.units.length === 1;
