import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';

/** What a task of a scan is given. */
export interface SlurmOptions {
  /** Names the jobs. */
  name: string;
  /** The study's folder; scripts and logs lie in its folder "slurm". */
  study: string;
  shards: number;
  cpus: number;
  memory: string;
  time?: string;
  partition?: string;
  account?: string;
  /** Further #SBATCH lines, as "--gres=gpu:1". */
  sbatch: readonly string[];
  /** A shell line before the program, as "module load nodejs". */
  setup?: string;
  /** The words that scan shard $SLURM_ARRAY_TASK_ID, and those that merge. */
  scan: readonly string[];
  merge: readonly string[];
}

/** A word as the shell takes it whole; that of the task's number is left for the shell to fill in. */
export const taskId = '$SLURM_ARRAY_TASK_ID';
const quoted = (word: string): string =>
  word.startsWith(taskId)
    ? `"${taskId}"${quoted(word.slice(taskId.length))}`
    : /^[\w@%+=:,./-]*$/.test(word)
      ? word
      : `'${word.replaceAll("'", `'\\''`)}'`;

/** #SBATCH lines are read by sbatch, not by a shell: blanks in them are kept by double quotes. */
const directive = (name: string, value: string | number): string =>
  `#SBATCH --${name}=${/\s/.test(String(value)) ? JSON.stringify(value) : value}`;

function script(options: SlurmOptions, own: readonly string[], words: readonly string[], log: string): string {
  const { name, study, cpus, memory, time, partition, account, sbatch, setup } = options;
  return [
    '#!/bin/bash',
    directive('job-name', `unpool ${name}`),
    ...own,
    directive('cpus-per-task', cpus),
    directive('mem', memory),
    ...(time ? [directive('time', time)] : []),
    ...(partition ? [directive('partition', partition)] : []),
    ...(account ? [directive('account', account)] : []),
    directive('output', path.join(study, 'slurm', log)),
    '#SBATCH --open-mode=append',
    ...sbatch.map((line) => `#SBATCH ${line}`),
    ...(setup ? [setup] : []),
    // What a task may use is what Slurm gives it, where it does not say so itself by affinity.
    'export UNPOOL_THREADS="${SLURM_CPUS_PER_TASK:-1}"',
    `exec ${words.map(quoted).join(' ')}`,
    '',
  ].join('\n');
}

/** The job array's script. Each task is one shard; one that is killed goes on where it was when it is submitted again. */
export const arrayScript = (options: SlurmOptions, shards = `1-${options.shards}`): string =>
  script(options, [directive('array', shards)], options.scan, 'shard-%a.log');

/** The script of the merge, which waits for the array; an empty dependency is none. */
export const mergeScript = (options: SlurmOptions, dependency: string): string =>
  script(
    options,
    dependency ? [directive('dependency', dependency), '#SBATCH --kill-on-invalid-dep=yes'] : [],
    options.merge,
    'merge.log',
  );

/** Where a scan on Slurm stands, kept in the study's folder: the command that follows it may be started again. */
export interface SlurmJobs {
  shards: number;
  arrays: string[];
  merge: string | null;
  /** How often each shard was submitted, by its number. */
  tries: Record<string, number>;
}

const jobsFile = (study: string): string => path.join(study, 'slurm', 'jobs.json');

export async function readJobs(study: string): Promise<SlurmJobs | null> {
  const text = await readFile(jobsFile(study), 'utf8').catch(() => null); // not begun yet
  return text === null ? null : (JSON.parse(text) as SlurmJobs);
}

export async function writeJobs(study: string, jobs: SlurmJobs): Promise<void> {
  await writeFile(jobsFile(study), `${JSON.stringify(jobs, null, 2)}\n`);
}

function command(program: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) =>
    execFile(program, args, (error, stdout, stderr) => {
      if (!error) return resolve(stdout);
      const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
      reject(new Error(missing ? `Slurm's ${program} is not on this machine` : `${program}: ${stderr.trim() || error.message}`)); // prettier-ignore
    }),
  );
}

/** Writes a script into the study's folder and submits it; the job's number. Rejects with Slurm's own words. */
export async function submit(study: string, name: string, text: string): Promise<string> {
  const folder = path.join(study, 'slurm');
  await mkdir(folder, { recursive: true });
  const file = path.join(folder, name);
  await writeFile(file, text, { mode: 0o755 });
  const out = await command('sbatch', ['--parsable', file]);
  return out.trim().split(';')[0]!;
}

export const cancel = async (job: string): Promise<void> => void (await command('scancel', [job]));

export type TaskState = 'waiting' | 'running';

/** The tasks of these jobs that are still in the queue: "12_3" is task 3 of array 12. A job that Slurm has forgotten is in none. */
export async function queued(jobs: readonly string[]): Promise<Map<string, TaskState>> {
  if (jobs.length === 0) return new Map();
  // Numbers that Slurm no longer knows make squeue fail where all of them are such: then none is in the queue.
  const out = await command('squeue', ['--noheader', '--array', '--format=%i %T', '--me']);
  const ours = new Set(jobs);
  return new Map(
    out
      .split('\n')
      .map((line) => line.trim().split(' ') as [string, string])
      .filter(([id, state]) => ours.has(id.split('_')[0]!) && state !== 'COMPLETED')
      .map(([id, state]) => [id, state === 'PENDING' ? 'waiting' : 'running']),
  );
}
