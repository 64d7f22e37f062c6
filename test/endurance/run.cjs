// Runs one of the long checks from its source: node test/endurance/run.cjs NAME [options]. Builds the program first.
const path = require('node:path');

(async () => {
  const root = path.resolve(__dirname, '../..');
  const [name, ...args] = process.argv.slice(2);
  const { createServer } = await import('vite');
  const server = await createServer({
    root,
    configFile: false,
    logLevel: 'error',
    server: { middlewareMode: true, hmr: false, ws: false },
    appType: 'custom',
  });
  try {
    await require('../../main/build.cjs').build();
    const { main } = await server.ssrLoadModule(`/test/endurance/${name}.ts`);
    process.exitCode = (await main(args)) ?? 0;
  } finally {
    await server.close();
  }
})().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
