import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** Scans the demo's pictures with the app's own command, and takes out where on this machine that was done. */

const root = path.resolve(import.meta.dirname, '../..');
const study = path.join(root, 'assets/demo-study');
for (const file of ['study.json', 'images.arrow', 'units.arrow', 'stats.arrow', 'sample.arrow']) rmSync(path.join(study, file), { force: true });
const args = ['scan', path.join(study, 'model.onnx'), path.join(study, 'pictures'), '-o', study, '--preset', 'unit', '--name', 'Emoji'];
execFileSync(process.execPath, [path.join(root, 'main/unpool.cjs'), ...args], { stdio: 'inherit' });

const manifest = path.join(study, 'study.json');
const content = JSON.parse(readFileSync(manifest, 'utf8')) as { model: { path: string }; pictures: { path: string } };
content.model.path = '';
content.pictures.path = '';
writeFileSync(manifest, `${JSON.stringify(content, null, 2)}\n`);
