// Builds main, preload and renderer into dist/, if a source is newer than the last build. Plain Node: it runs before there is a build.
const fs = require('node:fs');
const path = require('node:path');
const { createHash } = require('node:crypto');

const root = path.resolve(__dirname, '..');
const stamp = path.join(root, 'dist', 'stamp');
const sources = [
  'main',
  'preload',
  'renderer',
  'assets/labels',
  'assets/catalogue.json',
  'package.json',
  'package-lock.json',
  'vite.builds.ts',
  'tsconfig.base.json',
];

/** A hash over the names, sizes and times of the sources. */
function fingerprint() {
  const hash = createHash('sha256');
  const visit = (file) => {
    const stat = fs.statSync(file, { throwIfNoEntry: false });
    if (!stat) return;
    if (stat.isDirectory()) for (const name of fs.readdirSync(file).sort()) visit(path.join(file, name));
    else hash.update(`${path.relative(root, file)} ${stat.size} ${stat.mtimeMs}\n`);
  };
  for (const source of sources) visit(path.join(root, source));
  return hash.digest('hex');
}

/** Waits while another process builds; it is taken to be dead where its number is nobody's. */
async function locked(work) {
  const lock = path.join(root, 'dist', 'lock');
  fs.mkdirSync(path.dirname(lock), { recursive: true });
  for (;;) {
    try {
      fs.writeFileSync(lock, String(process.pid), { flag: 'wx' });
      break;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
      if (!alive(lock)) fs.rmSync(lock, { force: true });
      else await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
  try {
    return await work();
  } finally {
    fs.rmSync(lock, { force: true });
  }
}

function alive(lock) {
  try {
    const text = fs.readFileSync(lock, 'utf8');
    // Empty: it is being written.
    return text === '' || process.kill(Number(text), 0);
  } catch (error) {
    return error.code === 'EPERM';
  }
}

const upToDate = (wanted) => fs.existsSync(stamp) && fs.readFileSync(stamp, 'utf8') === wanted;

async function build() {
  return upToDate(fingerprint()) ? false : locked(buildAll);
}

async function buildAll() {
  const wanted = fingerprint();
  if (upToDate(wanted)) return false;
  fs.rmSync(stamp, { force: true });
  const vite = await import('vite');
  const { module } = await vite.runnerImport(path.join(root, 'vite.builds.ts'), {
    root,
    configFile: false,
    logLevel: 'error',
  });
  for (const config of module.builds) await vite.build(config);
  fs.writeFileSync(stamp, wanted);
  return true;
}

module.exports = { build };

if (require.main === module)
  build().then(
    (built) => console.log(built ? 'Built into dist/.' : 'dist/ is up to date.'),
    (error) => {
      console.error(error);
      process.exitCode = 1;
    },
  );
