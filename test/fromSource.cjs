// Runs the `main` of a file through Vite, so that it runs from the sources without a build of its own.
const path = require('node:path');

/** Sets the exit status by what `main` returns; an error is printed and fails. `before`: awaited first. */
module.exports = async function fromSource(file, args, before) {
  const { createServer } = await import('vite');
  const server = await createServer({
    root: path.resolve(__dirname, '..'),
    configFile: false,
    logLevel: 'error',
    server: { middlewareMode: true, hmr: false, ws: false },
    appType: 'custom',
  });
  try {
    await before?.();
    const { main } = await server.ssrLoadModule(file);
    process.exitCode = (await main(args)) ?? 0;
  } catch (error) {
    console.error(error);
    process.exitCode = 1;
  } finally {
    await server.close();
  }
};
