void require('../fromSource.cjs')('/test/bench/bench.ts', process.argv.slice(2));
