import { readFileSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '../../preload/rpc';
import { kubernetesManifest, shardIndex } from '../cluster/kubernetes';
import {
  arrayScript,
  cancel,
  mergeScript,
  queued,
  readJobs,
  submit,
  taskId,
  writeJobs,
  type SlurmJobs,
  type SlurmOptions,
  type TaskState,
} from '../cluster/slurm';
import { report, scannedInShards, studyFor, type ScanOptions } from './scan';
import { absolute, interrupted, interruptible, print, say, Told, withEngine } from './shared';

export interface ClusterOptions extends ScanOptions, Omit<SlurmOptions, 'name' | 'study' | 'scan' | 'merge'> {
  slurm?: boolean;
  kubernetes?: boolean;
  print?: boolean;
  poll: number;
  image: string;
  claim: string;
}

/** The words of a task's command after the program's own. */
function taskWords(model: string, pictures: string, options: ClusterOptions, shard: string): string[] {
  const { out, k, several, before, batch, preset, size } = options;
  return [
    ...['scan', absolute(model), absolute(pictures), '--out', absolute(out), '--shard', shard, '--k', String(k)],
    ...(several ? ['--several'] : []),
    ...(before ? ['--before'] : []),
    ...(batch ? ['--batch', String(batch)] : []),
    ...(preset ? ['--preset', preset] : []),
    ...(size ? ['--size', size.join('x')] : []),
  ];
}

/** A scan by a cluster's own engine: prints what it would be given, or submits and follows it. */
export async function scanOnCluster(model: string, pictures: string, options: ClusterOptions): Promise<number> {
  const study = absolute(options.out);
  const { shards, cpus, memory } = options;
  const merge = ['merge', study, '--out', study];
  if (options.kubernetes) {
    if (!options.print)
      throw new Told('Unpool prints the manifest and does not apply it: add --print, then kubectl apply -f -.');
    print(
      kubernetesManifest({
        ...{ name: path.basename(study), model: absolute(model), pictures: absolute(pictures), study, shards, cpus },
        ...{ memory, image: options.image, claim: options.claim },
        scan: ['unpool', ...taskWords(model, pictures, options, `${shardIndex}/${shards}`)],
        merge: ['unpool', ...merge, '--wait', String(shards)],
      }).trimEnd(),
    );
    return 0;
  }
  const self = [process.execPath, realpathSync(process.argv[1]!)];
  const slurm: SlurmOptions = {
    ...{ name: path.basename(study), study, shards, cpus, memory, sbatch: options.sbatch },
    ...(options.time && { time: options.time }),
    ...(options.partition && { partition: options.partition }),
    ...(options.account && { account: options.account }),
    ...(options.setup && { setup: options.setup }),
    scan: [...self, ...taskWords(model, pictures, options, `${taskId}/${shards}`)],
    merge: [...self, ...merge],
  };
  if (options.print) {
    print(arrayScript(slurm));
    print(`# The merge waits for the array (ARRAY stands for its number):\n${mergeScript(slurm, 'afterok:ARRAY')}`);
    return 0;
  }
  return withEngine(async (client) => {
    const info = await studyFor(client, model, pictures, options);
    if (info.scan.phase === 'done') {
      say(scannedInShards(info));
      return report(info, options.json ?? false);
    }
    return follow(client, info.path, slurm, options);
  });
}

/** How often a shard or the merge is submitted before it is given up. */
const mostTries = 4;

async function follow(client: Client, study: string, slurm: SlurmOptions, options: ClusterOptions): Promise<number> {
  const signal = interruptible();
  const { shards } = slurm;
  let jobs: SlurmJobs = (await readJobs(study)) ?? { shards, arrays: [], merge: null, tries: {} };
  if (jobs.shards !== shards) {
    if ((await queued([...jobs.arrays, ...(jobs.merge ? [jobs.merge] : [])])).size > 0)
      throw new Told(
        `This study is being scanned in ${jobs.shards} shards. Say --shards ${jobs.shards}, or cancel those jobs first.`,
      );
    jobs = { shards, arrays: [], merge: null, tries: {} };
  }
  /** Shards (0: the merge) that were neither done nor in the queue when last looked at: their files may only be late. */
  let suspects = new Set<number>();
  let told = '';
  for (let first = true; ; first = false) {
    const inQueue = await queued([...jobs.arrays, ...(jobs.merge ? [jobs.merge] : [])]);
    const info = await client.call('study.open', { path: study });
    if (info.scan.phase === 'done') return report(info, options.json ?? false);
    const states = await client.call('scan.shards', { study, of: shards });
    const stateOf = (index: number): TaskState | undefined =>
      jobs.arrays.map((id) => inQueue.get(`${id}_${index}`)).find((state) => state !== undefined);
    const open = states.filter(({ complete }) => !complete).map(({ index }) => index);
    const stray = open.filter((index) => stateOf(index) === undefined);
    const lost = first ? stray : stray.filter((index) => suspects.has(index));
    const mergeLost = jobs.merge === null || (!inQueue.has(jobs.merge) && (first || suspects.has(0)));
    suspects = new Set([...stray, ...(jobs.merge && !inQueue.has(jobs.merge) ? [0] : [])]);
    if (lost.length > 0) await resubmit(study, slurm, jobs, lost, inQueue);
    else if (mergeLost) {
      countTry(study, jobs, 'merge', 'merge.log');
      await submitMerge(study, slurm, jobs, null, inQueue);
    }
    if (lost.length > 0 || mergeLost) await writeJobs(study, jobs);

    const running = open.filter((index) => stateOf(index) === 'running').length;
    const done = states.reduce((sum, state) => sum + state.done, 0);
    const line = `${shards - open.length} of ${shards} shards done, ${running} running; ${done} of ${info.scan.total} pictures${open.length === 0 ? '; merging' : ''}`;
    if (!options.json && line !== told) say(line);
    told = line;
    await sleep(1000 * options.poll, undefined, { signal }).catch(() => undefined); // stopped: said below
    if (signal.aborted) {
      say(
        `The jobs go on without this command; the same command follows them again.\nscancel ${[...jobs.arrays, jobs.merge ?? ''].join(' ').trim()} ends them.`,
      );
      return interrupted;
    }
  }
}

function countTry(study: string, jobs: SlurmJobs, name: string, log: string): void {
  jobs.tries[name] = (jobs.tries[name] ?? 0) + 1;
  if (jobs.tries[name] <= mostTries) return;
  const file = path.join(study, 'slurm', log);
  let tail: string;
  try {
    tail = readFileSync(file, 'utf8').trimEnd().split('\n').slice(-5).join('\n');
  } catch {
    tail = 'It wrote nothing.';
  }
  throw new Told(
    `${name === 'merge' ? 'The merge' : `Shard ${name}`} failed ${mostTries} times. The end of ${file}:\n${tail}`,
  );
}

async function resubmit(
  study: string,
  slurm: SlurmOptions,
  jobs: SlurmJobs,
  lost: readonly number[],
  inQueue: ReadonlyMap<string, TaskState>,
): Promise<void> {
  for (const index of lost) countTry(study, jobs, String(index), `shard-${index}.log`);
  const again = lost.filter((index) => jobs.tries[String(index)]! > 1);
  if (again.length) say(`Shards ${again.join(', ')} ended before they were done: submitted again, they go on.`);
  const all = lost.length === slurm.shards;
  const fresh = await submit(study, 'array.sh', arrayScript(slurm, all ? undefined : lost.join(',')));
  await submitMerge(study, slurm, jobs, fresh, inQueue);
  jobs.arrays.push(fresh);
}

/** The merge waits for the array that was just submitted to succeed, and for what is left of others to end. */
async function submitMerge(
  study: string,
  slurm: SlurmOptions,
  jobs: SlurmJobs,
  fresh: string | null,
  inQueue: ReadonlyMap<string, TaskState>,
): Promise<void> {
  if (jobs.merge !== null && inQueue.has(jobs.merge)) await cancel(jobs.merge);
  const live = jobs.arrays.filter((id) => [...inQueue.keys()].some((task) => task.startsWith(`${id}_`)));
  const dependency = [...(fresh ? [`afterok:${fresh}`] : []), ...(live.length ? [`afterany:${live.join(':')}`] : [])];
  jobs.merge = await submit(study, 'merge.sh', mergeScript(slurm, dependency.join(',')));
}

// ---- merge ----------------------------------------------------------------------------------------------------------

export async function merge(
  shards: readonly string[],
  options: { out: string; wait?: number; json?: boolean },
): Promise<number> {
  return withEngine(async (client) => {
    const out = absolute(options.out);
    const signal = interruptible();
    let told = -1;
    while (options.wait) {
      const [study = out] = shards;
      const states = await client.call('scan.shards', { study: absolute(study), of: options.wait }).catch(() => []); // the first shard makes the study
      const complete = states.filter((state) => state.complete).length;
      if (complete === options.wait) break;
      if (complete !== told) say(`${complete} of ${options.wait} shards are done.`);
      told = complete;
      await sleep(5000, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return interrupted;
    }
    return report(await client.call('scan.merge', { shards: shards.map(absolute), out }), options.json ?? false);
  });
}
