// Runs one of the long checks: node test/endurance/run.cjs NAME [options]. Builds the program first.
const [name, ...args] = process.argv.slice(2);
void require('../fromSource.cjs')(`/test/endurance/${name}.ts`, args, require('../../main/build.cjs').build);
