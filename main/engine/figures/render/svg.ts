import type { Pixels } from '../../../../preload/contract';
import type { Scene } from '../../../core/figures/scene';
import { faceFile, faceName, runsOf, type Face } from '../fonts';
import { rasterPng, resample } from '../resample';

const tag = (name: string, attributes: Record<string, string | number>, content = ''): string => {
  const text = Object.entries(attributes)
    .map(([key, value]) => ` ${key}="${escape(typeof value === 'number' ? round(value) : value)}"`)
    .join('');
  return content ? `<${name}${text}>${content}</${name}>` : `<${name}${text}/>`;
};

const round = (value: number): string => String(+value.toFixed(3));

export const escape = (text: string): string =>
  text.replace(/[&<>"]/g, (each) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[each]!);

/** A scene as SVG: text as text with its fonts inside, pictures embedded at `dpi`. `record` rides in its metadata. */
export async function sceneSvg(
  scene: Scene,
  pictures: ReadonlyMap<string, Pixels>,
  dpi: number,
  record: string,
): Promise<string> {
  const faces = new Map<string, Face>();
  const items = await Promise.all(
    scene.items.map(async (item) => {
      const { kind } = item;
      if (kind === 'rect') {
        const { x, y, width, height, fill } = item;
        return tag('rect', { x, y, width, height, fill });
      }
      if (kind === 'picture') {
        const { x, y, width, height } = item;
        const [w, h] = [width, height].map((side) => Math.max(1, Math.round((side * dpi) / 72)));
        const png = await rasterPng(await resample(pictures.get(item.picture)!, w!, h!));
        const href = `data:image/png;base64,${png.toString('base64')}`;
        return tag('image', { x, y, width, height, preserveAspectRatio: 'none', href });
      }
      const { text, x, y, size, weight, fill } = item;
      const runs = runsOf(text, { x, size, family: scene.family, weight });
      for (const { face } of runs) faces.set(`${faceName(face)} ${face.weight}`, face);
      return runs
        .map((run) =>
          tag(
            'text',
            {
              x: run.x,
              y,
              'font-size': size,
              'font-weight': weight,
              'font-family': families(faceName(run.face)),
              fill,
            },
            escape(run.text),
          ),
        )
        .join('');
    }),
  );
  const fonts = [...faces.values()].map(
    (face) =>
      `@font-face{font-family:"${faceName(face)}";font-weight:${face.weight};src:url(data:font/woff2;base64,${faceFile(face, 'woff2').toString('base64')}) format("woff2")}`,
  );
  const { width, height } = scene;
  return `<?xml version="1.0" encoding="UTF-8"?>
<svg xmlns="http://www.w3.org/2000/svg" width="${round(width)}pt" height="${round(height)}pt" viewBox="0 0 ${round(width)} ${round(height)}">
<metadata id="unpool">${escape(record)}</metadata>
<style>${fonts.join('')}text{font-kerning:none;font-variant-ligatures:none;white-space:pre}</style>
${tag('rect', { width, height, fill: scene.ground })}
${items.join('\n')}
</svg>
`;
}

const families = (name: string): string => `'${name}', ${name.startsWith('Source') ? 'serif' : 'Arial, sans-serif'}`;
