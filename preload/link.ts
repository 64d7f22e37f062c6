/**
 * Addresses that can be given away: "unpool://units?study=…&layer=…&unit=175" is the window's own "#/units?…". A link may
 * come from anywhere, so only what shows something that is there is taken: it begins no study, and it names no place
 * that lies on another machine.
 */

const scheme = 'unpool:';
const longest = 4096;
/** Where a link may not lead: what fills a form with the names of files. */
const closed = new Set(['create']);
const refused = ['model', 'pictures'];

/** "unpool://units?…" for the window's "#/units?…". */
export function linkOfHash(hash: string): string {
  return `unpool://${hash.replace(/^#?\/?/, '')}`;
}

/** The window's hash for a link, or null where it is none that is taken. */
export function hashOfLink(link: string): string | null {
  const text = link.trim();
  // eslint-disable-next-line no-control-regex -- they are what is refused
  if (text.length > longest || /[\u0000-\u001f]/.test(text)) return null;
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    return null;
  }
  const view = (url.host || url.pathname.replace(/^\/+|\/+$/g, '')).toLowerCase();
  if (url.protocol !== scheme || url.username || url.password || url.port || url.hash) return null;
  if (!/^[a-z]{1,20}$/.test(view) || closed.has(view) || (url.host && !/^\/?$/.test(url.pathname))) return null;
  for (const name of refused) url.searchParams.delete(name);
  const study = url.searchParams.get('study');
  // "\\server\share" would sign in there, on Windows by itself.
  if (study !== null && !/^(\/(?!\/)|[a-z]:[\\/])/i.test(study)) return null;
  const query = url.searchParams.toString();
  return `#/${view}${query ? `?${query}` : ''}`;
}
