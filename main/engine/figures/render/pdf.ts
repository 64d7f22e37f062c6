import PDFDocument from 'pdfkit';
import type { Pixels } from '../../../../preload/contract';
import type { Scene } from '../../../core/figures/scene';
import { faceFile, faceName, runsOf } from '../fonts';
import { rasterJpeg, rasterPng, resample } from '../resample';

export interface PdfPage {
  scene: Scene;
  pictures: ReadonlyMap<string, Pixels>;
}

/** Nothing in a figure depends on the time at which it was made. */
const noDate = new Date(Date.UTC(2000, 0, 1));

export const attachmentName = 'unpool.json';

/** Letters stand where they do in SVG and PNG. */
const plain = { kern: false, liga: false, calt: false, clig: false } as unknown as PDFKit.Mixins.OpenTypeFeatures[];

/**
 * Scenes as the pages of a PDF: text as text with its fonts inside, pictures embedded at `dpi`. `record` is attached. The
 * file comes in pieces, page by page: what is drawn is let go of.
 */
export async function* scenesPdf(
  pages: Iterable<PdfPage> | AsyncIterable<PdfPage>,
  dpi: number,
  record: string,
  info: { title: string; program: string; pictures?: 'png' | 'jpeg' },
): AsyncGenerator<Uint8Array> {
  const document = new PDFDocument({
    autoFirstPage: false,
    pdfVersion: '1.7',
    lang: 'en',
    displayTitle: true,
    info: { Title: info.title, Creator: info.program, Producer: 'PDFKit', CreationDate: noDate },
  });
  const encoded = info.pictures === 'jpeg' ? rasterJpeg : rasterPng;
  let chunks: Buffer[] = [];
  const ended = new Promise<void>((resolve, reject) => {
    document.on('data', (chunk: Buffer) => chunks.push(chunk));
    document.on('end', resolve);
    document.on('error', reject);
  });
  const known = new Set<string>();
  for await (const { scene, pictures } of pages) {
    document.addPage({ size: [scene.width, scene.height], margin: 0 });
    document.rect(0, 0, scene.width, scene.height).fill(scene.ground);
    for (const item of scene.items) {
      if (item.kind === 'rect') document.rect(item.x, item.y, item.width, item.height).fill(item.fill);
      else if (item.kind === 'picture') {
        const { x, y, width, height } = item;
        const [w, h] = [width, height].map((side) => Math.max(1, Math.round((side * dpi) / 72)));
        document.image(await encoded(await resample(pictures.get(item.picture)!, w!, h!)), x, y, { width, height });
      } else
        for (const run of runsOf(item.text, { ...item, family: scene.family })) {
          const name = `${faceName(run.face)} ${run.face.weight}`;
          if (!known.has(name)) document.registerFont(name, faceFile(run.face, 'woff'));
          known.add(name);
          document
            .font(name)
            .fontSize(item.size)
            .fillColor(item.fill)
            .text(run.text, run.x, item.y, { lineBreak: false, baseline: 'alphabetic', features: plain });
        }
    }
    yield* chunks;
    chunks = [];
  }
  document.file(Buffer.from(record), {
    name: attachmentName,
    type: 'application/json',
    description: 'What this figure was made from',
    creationDate: noDate,
    modifiedDate: noDate,
  });
  document.end();
  await ended;
  yield* chunks;
}
