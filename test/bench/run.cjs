// npm run bench -- [PART ...] [options]. A scan of files needs the built threads that decode them.
const args = process.argv.slice(2);
const parts = args.filter((each) => /^[a-z]+$/.test(each));
const build = parts.length === 0 || parts.includes('scans') ? require('../../main/build.cjs').build : undefined;
void require('../fromSource.cjs')('/test/bench/bench.ts', args, build);
