export { readOnnx, type ReadOptions } from './read';
export type { External } from './tensor';
export { writeOnnx, writeSplitOnnx } from './write';
