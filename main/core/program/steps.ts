import type { Graph } from '../graph/graph';
import type { Tensor } from '../graph/tensor';
import type { Program, Runtime } from '../runtime/runtime';
import { cutInStages } from './stages';

/** Runs one piece of work, when it is its turn; may reject instead, and then the rest is not done. */
export type Turn = <T>(task: () => Promise<T>) => Promise<T>;
export const atOnce: Turn = (task) => task();

/** A run blocks its thread, and whoever gives up waits for its end: no longer than this, where it can be cut. */
export const runMilliseconds = 40;
/** What takes longer is cut in stages of so long: they do not come out even. */
const stageMilliseconds = 30;
/** Where the longest stage takes more than this in each of so many runs, the graph is cut anew, by the time that was measured. */
const tooLong = 60;
const runsBefore = 3;
const cutsAnew = 2;

/** A graph that is run in one or several stages, compiled when first wanted. */
export interface Steps {
  /** Each stage, and compiling it, is a turn of its own. `requests`: how many the feeds hold. */
  run(feeds: Readonly<Record<string, Tensor>>, requests: number, turn: Turn): Promise<Record<string, Tensor>>;
  /** Of one request, a running mean; null before the second, as the first warms up. */
  readonly milliseconds: number | null;
  dispose(): Promise<void>;
}

/** `expected`: milliseconds that a request may take, before one was timed. */
export function createSteps(runtime: Runtime, graph: Graph, expected: number): Steps {
  let stages: { graph: Graph; program: Promise<Program> | null }[] | null = null;
  let milliseconds: number | null = null;
  let runs = 0;
  let cuts = 0;
  /** Since the last cut: of each run's longest stage the shortest, and how many there were. */
  let since = { longest: Infinity, whole: Infinity, runs: 0 };

  function cutFor(feeds: Readonly<Record<string, Tensor>>, time: number): void {
    const count = time > runMilliseconds ? Math.ceil(time / stageMilliseconds) : 1;
    since = { longest: Infinity, whole: Infinity, runs: 0 };
    stages = cutInStages(graph, feeds, count).map((each) => ({ graph: each, program: null }));
  }

  async function release(): Promise<void> {
    const programs = (stages ?? []).flatMap(({ program }) => program ?? []);
    // A run that is between two stages compiles the next one again.
    for (const stage of stages ?? []) stage.program = null;
    for (const program of programs) await (await program).dispose();
  }

  return {
    get milliseconds() {
      return milliseconds;
    },

    async run(feeds, requests, turn) {
      if (!stages) cutFor(feeds, expected);
      const own = stages!;
      let values: Record<string, Tensor> = { ...feeds };
      let [whole, longest] = [0, 0];
      for (const [at, stage] of own.entries()) {
        const given = Object.fromEntries(stage.graph.inputs.map(({ name }) => [name, values[name]!]));
        if (!stage.program) await turn(() => programOf(stage));
        const results = await turn(async () => {
          const program = await programOf(stage);
          const started = Date.now();
          const made = await program.run(given);
          const time = Date.now() - started;
          whole += time;
          longest = Math.max(longest, time);
          return made;
        });
        // What no later stage reads is let go of.
        const wanted = new Set(own.slice(at + 1).flatMap((later) => later.graph.inputs.map(({ name }) => name)));
        for (const { name } of graph.outputs) wanted.add(name);
        values = Object.fromEntries(Object.entries({ ...values, ...results }).filter(([name]) => wanted.has(name)));
      }
      if (runs++ > 0) {
        const each = whole / requests;
        milliseconds = milliseconds === null ? each : (milliseconds + each) / 2;
      }
      // Of several requests at a time there are only as many as fit.
      if (requests === 1 && own === stages && since.runs++ > 0) {
        since.longest = Math.min(since.longest, longest);
        since.whole = Math.min(since.whole, whole);
        const count = own.length;
        const more = since.longest > tooLong;
        const fewer = count > 2 && since.whole < (count * stageMilliseconds) / 3;
        if ((more || fewer) && since.runs > runsBefore && cuts++ < cutsAnew) {
          await turn(release);
          cutFor(feeds, more ? Math.max(since.whole, count * stageMilliseconds + 1) : since.whole);
        }
      }
      return values;
    },

    dispose: release,
  };

  async function programOf(stage: NonNullable<typeof stages>[number]): Promise<Program> {
    try {
      return await (stage.program ??= runtime.compile(stage.graph));
    } catch (error) {
      stage.program = null; // a failure is not kept; the caller sees it
      throw error;
    }
  }
}
