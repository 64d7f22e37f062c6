import { hashOfLink } from '../../preload/link';
import { nameScore, rank, type Found } from './find';
import type { Shortcut } from './keys';

/** A line of the palette. */
export type Entry =
  | { kind: 'place'; place: Found }
  | { kind: 'command'; command: Shortcut }
  /** What was typed is a link: the window's hash for it. */
  | { kind: 'link'; hash: string };

interface Context {
  commands: readonly Shortcut[];
  /** Null where no study is open. */
  places: Parameters<typeof rank>[1] | null;
  limit?: number;
}

/** The hash in what was pasted: a link, or the address of a page of the browser host. */
function pasted(typed: string): string | null {
  const page = /^https?:\/\/(?:localhost|127\.0\.0\.1)(?::\d+)?\/?(?:\?[^#]*)?#\/(.*)$/.exec(typed);
  return hashOfLink(page ? `unpool://${page[1]}` : typed);
}

/** Layers, units, classes and commands for what was typed; ">" in front asks for commands only. */
export function search(query: string, { commands, places, limit = 40 }: Context): Entry[] {
  const typed = query.trim();
  const hash = /^(unpool|https?):/i.test(typed) ? pasted(typed) : null;
  if (hash !== null) return [{ kind: 'link', hash }];
  const only = typed.startsWith('>');
  const words = only ? typed.slice(1).trim() : typed;
  const found: { score: number; entry: Entry }[] = [];
  for (const command of commands) {
    if (command.id === undefined) continue;
    const score = words === '' ? 0 : nameScore(command.label, words);
    // A layer of that name comes before a command that only holds it.
    if (score !== null) found.push({ score: score + 0.25, entry: { kind: 'command', command } });
  }
  if (places && !only && words !== '')
    for (const { score, entry } of rank(words, places)) found.push({ score, entry: { kind: 'place', place: entry } });
  return found
    .sort((a, b) => a.score - b.score)
    .slice(0, limit)
    .map(({ entry }) => entry);
}
