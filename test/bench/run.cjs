// Loads bench.ts through Vite, so that it runs from the sources without a build of its own.
const path = require('node:path');

(async () => {
  const { createServer } = await import('vite');
  const root = path.resolve(__dirname, '../..');
  const server = await createServer({
    root,
    configFile: false,
    logLevel: 'error',
    server: { middlewareMode: true, hmr: false, ws: false },
    appType: 'custom',
  });
  try {
    const { main } = await server.ssrLoadModule('/test/bench/bench.ts');
    await main(process.argv.slice(2));
  } finally {
    await server.close();
  }
})().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
