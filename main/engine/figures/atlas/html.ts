import { createHash } from 'node:crypto';
import script from './page.js?raw';
import style from './page.css?raw';
import { escape } from '../render/svg';

/** What a page says of one unit. */
export interface AtlasUnit {
  unit: number;
  label: string | null;
  top: { file: string; class: string | null; activation: number }[];
}

export interface AtlasHead {
  title: string;
  /** Lines below the units: what is where, by which method. */
  facts: string[];
  /** Width by height of a unit's picture. */
  shape: number;
  data: unknown;
}

const hashOf = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
/** JSON that no parser of HTML takes for the end of its element. */
const embedded = (value: unknown): string => JSON.stringify(value).replaceAll('<', '\\u003c');

/**
 * A page that needs nothing but itself: no network (its policy allows none), no server. What runs and what styles is named
 * by hash. It comes in pieces, a unit's picture (WebP) at a time: only what is said of the units is kept until its end.
 */
export async function* atlasPage(
  head: AtlasHead,
  units: AsyncIterable<{ said: AtlasUnit; picture: Buffer }>,
): AsyncGenerator<string> {
  yield beginning(head);
  const said: AtlasUnit[] = [];
  for await (const unit of units) {
    yield `${said.length > 0 ? '\n' : ''}${unit.picture.toString('base64')}`;
    said.push(unit.said);
  }
  yield `</script>
<script type="application/json" id="units">${embedded({ units: said })}</script>
<script>${script}</script>
</body>
</html>
`;
}

/** The page as far as its pictures. */
function beginning(head: AtlasHead): string {
  const css = `${style}\n:root { --shape: ${head.shape.toFixed(4)}; }\n`;
  const policy = `default-src 'none'; img-src data:; style-src ${hashOf(css)}; script-src ${hashOf(script)}; base-uri 'none'; form-action 'none'`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${escape(policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<link rel="icon" href="data:,">
<title>${escape(head.title)}</title>
<style>${css}</style>
</head>
<body>
<header>
<h1>${escape(head.title)}</h1>
<span id="count" class="dim" role="status"></span>
<span class="tools">
<input type="search" aria-label="Unit or class" placeholder="Unit or class">
<select aria-label="Order"><option value="strength">strongest first</option><option value="index">by number</option></select>
<button class="tool" type="button">Light or dark</button>
</span>
</header>
<noscript><p>The units are drawn by a script in this page.</p></noscript>
<main></main>
<footer>${head.facts.map((fact) => `<p>${escape(fact)}</p>`).join('')}<p>Arrow keys move, Enter opens a unit, / searches, t changes the colours.</p></footer>
<dialog><h2></h2><img alt=""><ol></ol></dialog>
<script type="application/json" id="unpool">${embedded(head.data)}</script>
<script type="text/plain" id="pictures">`;
}
