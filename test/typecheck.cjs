// Type check of every layer, each with only the types that it may see.
const { spawnSync } = require('node:child_process');
const path = require('node:path');

const root = path.resolve(__dirname, '..');
const bin = (name, script) => path.join(path.dirname(require.resolve(`${name}/package.json`)), script);
const projects = [
  ...['main/core', 'main', 'preload'].map((project) => [bin('typescript', 'bin/tsc'), project]),
  // These see components.
  ...['renderer', 'test'].map((project) => [bin('vue-tsc', 'bin/vue-tsc.js'), project]),
];
let failed = 0;
for (const [compiler, project] of projects) {
  const { status } = spawnSync(process.execPath, [compiler, '--noEmit', '-p', project], {
    cwd: root,
    stdio: 'inherit',
  });
  console.log(`${project}: ${status === 0 ? 'no errors' : 'errors'}`);
  if (status !== 0) failed++;
}
process.exitCode = failed ? 1 : 0;
