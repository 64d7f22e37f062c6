import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import * as ort from 'onnxruntime-node';
import type { MethodChoice, ModelAudit } from '../../preload/contract';
import { readModel } from '../../main/core/formats/index';
import type { Graph } from '../../main/core/graph/graph';
import { auditNetwork } from '../../main/core/program/audit';
import { openNetwork } from '../../main/core/program/network';
import { createOrtRuntime, type Ort } from '../../main/core/runtime/ort';

/** Writes docs/coverage.md from rule audits of the networks that the golden tests run. */

const methods = ['deconvnet', 'guided', 'gradient'] as const;
const choice = (id: (typeof methods)[number]): MethodChoice => ({ id, leaky: 'strict', smooth: 'rectify' });
const runtime = createOrtRuntime(ort as unknown as Ort, { threads: 1 });

/** How a folder or a file of the fixtures says its format. */
const formatOf: Record<string, string> = {
  '.onnx': 'ONNX',
  '.h5': 'Keras .h5',
  '.keras': 'Keras .keras',
  '.json': 'TensorFlow.js',
  '.pt2': 'PyTorch .pt2',
};

interface Model {
  network: string;
  format: string;
  read(): Promise<Graph>;
}

const models = (): Model[] => ['cases', 'keras', 'tfjs', 'pt2'].flatMap(fixtures);

/** The models of a folder of fixtures: one to a folder, or files side by side. */
function fixtures(folder: string): Model[] {
  const root = path.join(import.meta.dirname, folder);
  if (!existsSync(root)) return [];
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).sort();
  return files.flatMap((file) => {
    const extension = path.extname(file);
    const format = formatOf[extension];
    if (!format || (extension === '.json' && path.basename(file) !== 'model.json')) return [];
    const place = path.join(root, file);
    const stem = path.basename(file, extension);
    const network = (stem === 'model' ? path.basename(path.dirname(place)) : stem).replace(
      /(-keras3)?-(h5|keras|tfjs|pt2)$/,
      '',
    );
    const read = async () =>
      readModel(readFileSync(place), { external: (name) => readFileSync(path.join(path.dirname(place), name)) });
    return [{ network, format, read }];
  });
}

/** What a method does with a network, in a few words. */
function words({ rows, layers }: ModelAudit): string {
  const assumed = [...new Set(rows.filter((row) => row.assumed && row.refused === null).map((row) => row.role))].sort();
  const exact = assumed.length ? `exact, rule stated (${assumed.join(', ')})` : 'exact';
  const refusals = [...new Set(rows.flatMap((row) => (row.refused === null ? [] : [`${row.op}: ${row.refused}`])))];
  const refused = layers.refused.length;
  if (refused === 0) return exact;
  const all = layers.exact + refused;
  return `${layers.exact ? `${exact}; ` : ''}${refused} of ${all} layers refused (${refusals.join('; ')})`;
}

async function row({ network, format, read }: Model): Promise<string> {
  const opened = await openNetwork(await read(), { runtime });
  const cells = methods.map((id) => words(auditNetwork(opened, choice(id))));
  return `| ${[network, format, opened.layers.filter((layer) => layer.scanned).length, ...cells].join(' | ')} |`;
}

export async function coverage(): Promise<string> {
  const rows: string[] = [];
  const found = models().sort((a, b) => (a.network.toLowerCase() < b.network.toLowerCase() ? -1 : 1));
  for (const model of found) rows.push(await row(model));
  return `# What is covered

Made by \`npm run coverage-table\` from rule audits (\`unpool audit MODEL\`); a test fails where this page is out of date. The
networks are those of test/golden: the literature's topologies with few channels, as each framework writes them. That the numbers
are right, to 1e-4 of the largest value, is what the tests beside them hold against PyTorch's autograd (ONNX) and, for the
forward pass, against Keras and TensorFlow.

- **exact**: every node on the way has a rule in the method's own definition.
- **exact, rule stated**: there are nodes that the paper has no rule for; the signal is rectified there (or the derivative
  taken, or refused, as chosen), the same as in the independent computation, and the figure says so.
- **refused**: layers behind such a node have no reconstruction, with the reason; the others work.

| network | format | layers | deconvnet | guided backprop | gradient |
| --- | --- | --- | --- | --- | --- |
${rows.join('\n')}
`;
}
