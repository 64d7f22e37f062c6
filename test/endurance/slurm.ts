import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import path from 'node:path';
import { makePlace } from '../engine/place';
import { different, option, sleep, unpool } from './support';

const found = (program: string): boolean => {
  try {
    execFileSync('which', [program], {
      stdio: 'ignore',
      env: { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin` },
    });
    return true;
  } catch {
    return false;
  }
};

/** Why there can be no Slurm on this machine; null where there can. */
export function noSlurm(): string | null {
  const missing = ['munged', 'slurmctld', 'slurmd', 'sbatch', 'squeue', 'scancel'].filter((program) => !found(program));
  if (missing.length) return `Slurm is not installed (apt-get install slurm-wlm munge): no ${missing.join(', ')}`;
  return process.getuid?.() === 0 ? null : 'a Slurm of its own is started by root only';
}

/** A Slurm of one node in a folder of its own: controller, node and authentication, without systemd. */
export async function startSlurm(
  folder: string,
  cpus: number,
): Promise<{ env: NodeJS.ProcessEnv; stop(): Promise<void> }> {
  for (const name of ['state', 'spool', 'munge']) mkdirSync(path.join(folder, name), { recursive: true, mode: 0o700 });
  const file = (name: string): string => path.join(folder, name);
  const host = hostname().split('.')[0]!;
  const port = 20_000 + Math.floor(Math.random() * 20_000);
  writeFileSync(file('munge/key'), randomBytes(1024), { mode: 0o400 });
  writeFileSync(
    file('slurm.conf'),
    `ClusterName=unpool
SlurmctldHost=${host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
SlurmctldPort=${port}
SlurmdPort=${port + 1}
AuthType=auth/munge
AuthInfo=socket=${file('munge/socket')}
CredType=cred/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SlurmdParameters=config_overrides
ReturnToService=2
KillWait=5
StateSaveLocation=${file('state')}
SlurmdSpoolDir=${file('spool')}
SlurmctldPidFile=${file('slurmctld.pid')}
SlurmdPidFile=${file('slurmd.pid')}
NodeName=${host} NodeAddr=127.0.0.1 CPUs=${cpus} RealMemory=16000 State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
`,
  );
  // The node wants one of the two, though nothing here uses it.
  const version1 = existsSync('/sys/fs/cgroup/memory');
  writeFileSync(file('cgroup.conf'), `CgroupPlugin=${version1 ? 'cgroup/v1' : 'autodetect'}\n`);
  const env = { ...process.env, SLURM_CONF: file('slurm.conf'), PATH: `${process.env['PATH']}:/usr/sbin` };
  const daemons: ChildProcess[] = [];
  const daemon = (program: string, args: string[]): void => {
    daemons.push(spawn(program, args, { env, stdio: ['ignore', 'ignore', 'ignore'] }));
  };
  const stop = async (): Promise<void> => {
    for (const child of daemons.reverse()) {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      if (child.exitCode !== null) continue;
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), 5000);
      await ended;
      clearTimeout(timer);
    }
  };
  try {
    daemon('munged', [
      '--foreground',
      '--force',
      `--key-file=${file('munge/key')}`,
      `--socket=${file('munge/socket')}`,
      `--pid-file=${file('munge/pid')}`,
      `--log-file=${file('munge/log')}`,
      `--seed-file=${file('munge/seed')}`,
    ]);
    for (let i = 0; i < 100 && !existsSync(file('munge/socket')); i++) await sleep(100);
    daemon('slurmctld', ['-D', '-f', file('slurm.conf'), '-L', file('slurmctld.log')]);
    daemon('slurmd', ['-D', '-f', file('slurm.conf'), '-N', host, '-L', file('slurmd.log')]);
    for (let i = 0; ; i++) {
      let state = '';
      try {
        state = execFileSync('sinfo', ['--noheader', '--format=%T'], { env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim(); // prettier-ignore
      } catch {
        // It is starting.
      }
      if (/^(idle|mixed|allocated)$/.test(state)) break;
      if (i === 150) {
        const log = (name: string) => (existsSync(file(name)) ? readFileSync(file(name), 'utf8').slice(-1500) : '');
        throw new Error(
          `Slurm does not start (${state}):\n${log('munge/log')}\n${log('slurmctld.log')}\n${log('slurmd.log')}`,
        );
      }
      await sleep(200);
    }
    return { env, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/**
 * Scans by `unpool scan --slurm` as an array of eight, ends one task when it has begun its shard, and compares with the scan of
 * one machine.
 */
export async function main(args: readonly string[]): Promise<number> {
  const why = noSlurm();
  if (why) {
    console.log(`SKIPPED: ${why}.`);
    return 0;
  }
  const shards = option(args, 'shards', 8);
  const place = await makePlace(option(args, 'pictures', 800), [5, 6]);
  const folder = mkdtempSync(path.join(tmpdir(), 'unpool-slurm-'));
  const home = path.join(folder, 'home');
  let slurm: Awaited<ReturnType<typeof startSlurm>> | null = null;
  try {
    const whole = unpool(['scan', place.model, place.pictures, '--batch', '4', '-o', path.join(folder, 'whole')], home, { UNPOOL_THREADS: '1' }); // prettier-ignore
    if ((await whole.ended) !== 0) throw new Error(whole.said());
    slurm = await startSlurm(path.join(folder, 'slurm'), 4);
    console.log(execFileSync('sinfo', ['--version'], { env: slurm.env, encoding: 'utf8' }).trim());
    const study = path.join(folder, 'study');
    const words = [
      'scan',
      place.model,
      place.pictures,
      '--batch',
      '4',
      '-o',
      study,
      '--slurm',
      '--shards',
      String(shards),
    ];
    const program = unpool([...words, '--cpus', '1', '--memory', '1G', '--poll', '1'], home, slurm.env);
    let over = false;
    void program.ended.then(() => (over = true));
    const victim = 3;
    let killed = '';
    while (!over) {
      await sleep(20);
      if (killed || !existsSync(path.join(study, 'shards', `${victim}-of-${shards}.log`))) continue;
      const jobs = JSON.parse(readFileSync(path.join(study, 'slurm/jobs.json'), 'utf8')) as { arrays: string[] };
      killed = `${jobs.arrays[0]}_${victim}`;
      // As a node that dies: no chance to say good-bye.
      execFileSync('scancel', ['--signal=KILL', '--full', killed], { env: slurm.env });
    }
    console.log(program.said().trim());
    if ((await program.ended) !== 0) return 1;
    const bytes = different(path.join(folder, 'whole'), study);
    const again = program.said().includes('submitted again');
    console.log(
      `${shards} shards; task ${killed || 'none'} killed${again ? ' and submitted again' : ''}; ${bytes.length ? `DIFFERENT: ${bytes.join(', ')}` : 'the same bytes as on one machine'}.`,
    );
    return bytes.length > 0 || !killed || !again ? 1 : 0;
  } finally {
    await slurm?.stop();
    rmSync(folder, { recursive: true, force: true });
    await place.remove();
  }
}
