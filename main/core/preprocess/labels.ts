/** A class: its WordNet id where the list gives one, and its names, the one that is shown first. */
export interface LabelEntry {
  wnid: string | null;
  names: string[];
}

export type LabelFormat = 'txt' | 'json' | 'csv';

const wnidPattern = /^n\d{8}$/;

/**
 * A list of classes in the order of a network's output units. Text: one class a line ("n01440764 tench, Tinca tinca", or
 * "tench"), lines that begin with "# " are remarks. JSON: a list or a dictionary by index, of names or of [wnid, name], or a
 * Hugging Face config with id2label. CSV: columns for the index, the WordNet id and the name, in any order, with or without a
 * head. Empty where the text is no such list.
 */
export function parseLabelList(text: string, format: LabelFormat): LabelEntry[] {
  const clean = text.replace(/^\uFEFF/, '');
  if (format === 'json') return fromJson(clean);
  const lines = clean
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('# '));
  return format === 'csv' ? fromCsv(lines) : lines.map(entryOf);
}

function entryOf(line: string): LabelEntry {
  const [, wnid = null, rest = line] = /^(n\d{8})(?:[\s,:]+(.*))?$/.exec(line) ?? [];
  const names = (wnid && rest === line ? '' : rest)
    .split(',')
    .map((name) => name.trim())
    .filter(Boolean);
  return { wnid, names: names.length > 0 ? names : [wnid ?? line] };
}

function fromJson(text: string): LabelEntry[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return []; // a file of that name that is something else
  }
  if (typeof parsed === 'object' && parsed !== null && 'id2label' in parsed) parsed = parsed.id2label;
  if (Array.isArray(parsed)) return parsed.map(valueOf);
  if (typeof parsed !== 'object' || parsed === null) return [];
  const entries = Object.entries(parsed).map(([key, value]) => [Number(key), value as unknown] as const);
  if (!entries.every(([key]) => Number.isInteger(key) && key >= 0 && key < entries.length)) return [];
  const out: LabelEntry[] = [];
  for (const [key, value] of entries) out[key] = valueOf(value);
  return Array.from(out, (entry) => entry ?? { wnid: null, names: [''] }); // "1" and "01" are one index
}

function valueOf(value: unknown): LabelEntry {
  if (!Array.isArray(value)) return entryOf(String(value));
  const parts = value.map(String);
  const wnid = parts.find((part) => wnidPattern.test(part)) ?? null;
  const names = parts.filter((part) => part !== wnid);
  return { wnid, names: names.length > 0 ? names : [wnid ?? ''] };
}

function fromCsv(lines: readonly string[]): LabelEntry[] {
  let rows = lines.map(cells);
  const head = rows[0]?.map((cell) => cell.toLowerCase()) ?? [];
  const titled = head.some((cell) => /^(name|label|class|class_?name|wnid|synset|index|id|idx)$/.test(cell));
  if (titled) rows = rows.slice(1);
  const width = Math.max(0, ...rows.map((row) => row.length));
  const columns = Array.from({ length: width }, (_, c) => rows.map((row) => row[c] ?? ''));
  const wnids = columns.findIndex((column) => column.length > 0 && column.every((cell) => wnidPattern.test(cell)));
  const indices = columns.findIndex(
    (column) => new Set(column).size === column.length && column.every((cell) => /^\d+$/.test(cell)),
  );
  const named = titled ? head.findIndex((cell) => /name|label|class/.test(cell)) : -1;
  const nameColumn =
    named >= 0 && named !== wnids && named !== indices
      ? named
      : columns.findIndex((_, c) => c !== wnids && c !== indices);
  const out = rows.map((row, i): [number, LabelEntry] => {
    const wnid = row[wnids] ?? null;
    const names = (row[nameColumn] ?? wnid ?? row[0] ?? '').split(',').map((name) => name.trim());
    return [indices < 0 ? i : Number(row[indices]), { wnid, names }];
  });
  return out.sort(([a], [b]) => a - b).map(([, entry]) => entry);
}

/** The cells of a line of CSV; quotes keep commas inside, two of them are one. */
function cells(line: string): string[] {
  const separator =
    line.includes('\t') && !line.includes(',') ? '\t' : line.includes(';') && !line.includes(',') ? ';' : ',';
  const out: string[] = [];
  let cell = '';
  let quoted = false;
  for (let i = 0; i < line.length; i++) {
    const character = line[i]!;
    if (character === '"') {
      if (quoted && line[i + 1] === '"') cell += line[++i]!;
      else quoted = !quoted;
    } else if (character === separator && !quoted) {
      out.push(cell.trim());
      cell = '';
    } else cell += character;
  }
  out.push(cell.trim());
  return out;
}

/** Lower case, words only, each without its plural: "Bell_Peppers" and "bell pepper" are one. */
export function normaliseName(name: string): string {
  return name
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .replace(/(\p{Ll})(\p{Lu})/gu, '$1 $2')
    .toLowerCase()
    .replace(/['’]/g, '')
    .split(/[^\p{L}\p{N}]+/u)
    .filter(Boolean)
    .map(singular)
    .join(' ');
}

function singular(word: string): string {
  if (word.length < 4 || /(ss|us|is)$/.test(word)) return word;
  if (word.endsWith('ies')) return `${word.slice(0, -3)}y`;
  if (/(ch|sh|x|ss|o)es$/.test(word)) return word.slice(0, -2);
  return word.endsWith('s') ? word.slice(0, -1) : word;
}

/**
 * For each folder the output units that it names: by WordNet id, else by name or synonym. `reference` lends a list without
 * ids or synonyms those of its own classes of the same name. More than one where a list holds a name twice ("crane").
 */
export function matchFolders(
  folders: readonly string[],
  list: readonly LabelEntry[],
  reference: readonly LabelEntry[] = [],
): number[][] {
  const known = new Map<string, LabelEntry[]>();
  for (const entry of reference) {
    for (const key of [entry.wnid, ...entry.names.map(normaliseName)])
      if (key) known.set(key, [...(known.get(key) ?? []), entry]);
  }
  const ids = new Map<string, number[]>();
  const names = new Map<string, number[]>();
  const add = (map: Map<string, number[]>, key: string, unit: number): void => {
    const units = map.get(key) ?? [];
    if (!units.includes(unit)) map.set(key, [...units, unit]);
  };
  list.forEach(({ wnid, names: own }, unit) => {
    if (wnid) add(ids, wnid, unit);
    for (const name of own) add(names, normaliseName(name), unit);
  });
  return folders.map((folder) => {
    const id = /n\d{8}/.exec(folder)?.[0];
    const direct = (id && ids.get(id)) ?? names.get(normaliseName(folder));
    if (direct) return direct;
    const entries = known.get(id ?? normaliseName(folder)) ?? [];
    const units = entries.flatMap((entry) => [
      ...((entry.wnid && ids.get(entry.wnid)) || []),
      ...entry.names.flatMap((name) => names.get(normaliseName(name)) ?? []),
    ]);
    return [...new Set(units)];
  });
}
