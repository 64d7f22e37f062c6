#!/usr/bin/env node
// The command `unpool`: in a checkout it builds first if it must, then runs the command line.
const fs = require('node:fs');
const path = require('node:path');

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`Unpool needs Node 20.19 or newer; this is ${process.version}.`);
  process.exit(1);
}

(async () => {
  const root = path.resolve(__dirname, '..');
  if (fs.existsSync(path.join(root, 'vite.builds.ts'))) {
    const { build } = require('./build.cjs');
    await build();
  }
  const { main } = require(path.join(root, 'dist/main/cli.cjs'));
  process.exitCode = await main(process.argv.slice(2));
})().catch((error) => {
  console.error(process.env.UNPOOL_DEBUG ? error : `unpool: ${error.message}`);
  process.exitCode = 1;
});
