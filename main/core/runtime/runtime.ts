import type { Graph } from '../graph/graph';
import type { Tensor } from '../graph/tensor';

/** A graph made ready to run. Feeds and results go by the names of the graph's inputs and outputs. */
export interface Program {
  run(feeds: Readonly<Record<string, Tensor>>): Promise<Record<string, Tensor>>;
  dispose(): Promise<void>;
}

/** Something that runs graphs. The libraries behind it are injected where it is made. */
export interface Runtime {
  readonly name: string;
  readonly threads: number;
  compile(graph: Graph): Promise<Program>;
}
