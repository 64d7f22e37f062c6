import type { Graph } from '../graph/graph';
import type { Tensor } from '../graph/tensor';
import type { Program, Runtime } from '../runtime/runtime';
import { cutInStages } from './stages';

/** Runs one piece of work, when it is its turn; may reject instead, and then the rest is not done. */
export type Turn = <T>(task: () => Promise<T>) => Promise<T>;
export const atOnce: Turn = (task) => task();

/** A run blocks its thread, and whoever gives up waits for its end: no longer than this, where it can be cut. */
export const runMilliseconds = 40;
/** A stage may take so many times as long before the graph is cut anew, by the time that was measured. */
const tolerance = 1.5;
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

  function cutFor(feeds: Readonly<Record<string, Tensor>>, time: number): void {
    const count = Math.ceil(time / runMilliseconds);
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
        const tooLong = requests === 1 && longest > tolerance * runMilliseconds;
        const tooMany = own.length > 2 && whole < (runMilliseconds * own.length) / 3;
        if (own === stages && (tooLong || tooMany) && cuts++ < cutsAnew) {
          await turn(release);
          cutFor(feeds, tooLong ? Math.max(whole, own.length * runMilliseconds + 1) : whole);
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
