import { readFileSync, writeFileSync } from 'node:fs';
import { format, resolveConfig } from 'prettier';
import { show, type Row, type Section, type Spread } from './measure';

/** One section as Markdown. `peak`: multiply-adds a millisecond that this machine was seen to do. */
export function table({ heading, rows, skipped }: Section, peak: number): string {
  const shared = rows.some(({ macs }) => macs);
  const aimed = rows.some(({ aim }) => aim !== null);
  const columns: [string, (row: Row) => string][] = [
    ['', ({ what }) => what],
    ['Unpool', ({ ours, unit }) => `${spreadOf(ours)} ${unit}`],
    ['against', ({ peer }) => peer],
    ['', ({ against, unit }) => `${spreadOf(against)} ${unit}`],
    ['ratio', ({ ratio }) => show(ratio)],
  ];
  if (aimed) columns.push(['aim', ({ aim, ratio }) => (aim === null ? '' : `${aim}${ratio < aim ? ', missed' : ''}`)]);
  if (shared)
    columns.push([
      'of the peak',
      ({ macs, ours }) => (macs ? `${Math.round((100 * macs) / ours.median / peak)} %` : ''),
    ]);
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const lines = rows.length
    ? [
        line(columns.map(([title]) => title)),
        line(columns.map(() => '---')),
        ...rows.map((row) => line(columns.map(([, cell]) => cell(row)))),
      ]
    : [];
  const missing = skipped.map(({ what, why }) => `- Not measured: ${what}: ${why}`);
  return [`**${heading}**`, lines.join('\n'), missing.join('\n')].filter(Boolean).join('\n\n');
}

const spreadOf = ({ median, low, high }: Spread): string => `${show(median)} (${show(low)} to ${show(high)})`;

/** Puts a text between the markers of this name in a Markdown file. Throws where it has none. */
export async function fill(file: string, name: string, text: string): Promise<void> {
  const page = readFileSync(file, 'utf8');
  const [open, close] = [`<!-- bench:${name} -->`, `<!-- /bench:${name} -->`];
  const [from, to] = [page.indexOf(open), page.indexOf(close)];
  if (from < 0 || to < from) throw new Error(`${file} has no place for "${name}": ${open} ... ${close}`);
  const whole = `${page.slice(0, from + open.length)}\n\n${text}\n\n${page.slice(to)}`;
  writeFileSync(file, await format(whole, { ...(await resolveConfig(file)), parser: 'markdown' }));
}
