// npm run bench -- [PART ...] [options]. Scans of files need the built threads that decode them, answers the built engine.
const args = process.argv.slice(2);
const parts = args.filter((each) => /^[a-z]+$/.test(each));
const build =
  parts.length === 0 || parts.includes('scans') || parts.includes('answers')
    ? require('../../main/build.cjs').build
    : undefined;
void require('../fromSource.cjs')('/test/bench/bench.ts', args, build);
