import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';
import { commonFolder, kubernetesManifest } from '../../main/cluster/kubernetes';
import { arrayScript, mergeScript, taskId, type SlurmOptions } from '../../main/cluster/slurm';
import { shardOf } from '../../main/commands/scan';

const { loadAll } = createRequire(import.meta.url)('js-yaml') as { loadAll(text: string): unknown[] };

const slurm: SlurmOptions = {
  name: 'val study',
  study: '/data/val study',
  shards: 8,
  cpus: 4,
  memory: '4G',
  time: '1:00:00',
  partition: 'long',
  sbatch: ['--nice=100'],
  setup: 'module load nodejs',
  scan: [
    '/usr/bin/node',
    '/opt/unpool',
    'scan',
    "/data/o'model.onnx",
    '--out',
    '/data/val study',
    '--shard',
    `${taskId}/8`,
  ],
  merge: ['/usr/bin/node', '/opt/unpool', 'merge', '/data/val study', '--out', '/data/val study'],
};

describe('Slurm scripts', () => {
  it('are an array of shards and a merge behind it', () => {
    expect(arrayScript(slurm)).toBe(`#!/bin/bash
#SBATCH --job-name="unpool val study"
#SBATCH --array=1-8
#SBATCH --cpus-per-task=4
#SBATCH --mem=4G
#SBATCH --time=1:00:00
#SBATCH --partition=long
#SBATCH --output="/data/val study/slurm/shard-%a.log"
#SBATCH --open-mode=append
#SBATCH --nice=100
module load nodejs
export UNPOOL_THREADS="\${SLURM_CPUS_PER_TASK:-1}"
exec /usr/bin/node /opt/unpool scan '/data/o'\\''model.onnx' --out '/data/val study' --shard "$SLURM_ARRAY_TASK_ID"/8
`);
    const merge = mergeScript(slurm, 'afterok:12');
    expect(merge).toContain('#SBATCH --dependency=afterok:12\n#SBATCH --kill-on-invalid-dep=yes\n');
    expect(merge).toContain("exec /usr/bin/node /opt/unpool merge '/data/val study' --out '/data/val study'\n");
    expect(mergeScript(slurm, '')).not.toContain('dependency');
    expect(arrayScript(slurm, '3,5')).toContain('#SBATCH --array=3,5\n');
  });
});

const python = process.env['UNPOOL_PYTHON'];
const noPython = !python && process.env['UNPOOL_TEST_ALL'] !== '1';
if (noPython) console.warn('skipped: UNPOOL_PYTHON names no Python with kubernetes-validate');

describe('a Kubernetes manifest', () => {
  it('is YAML of an indexed Job and a Job that merges', () => {
    const text = kubernetesManifest({
      name: 'Val study: 1',
      model: '/data/model.onnx',
      pictures: '/data/imagenet/val',
      study: '/data/studies/val',
      shards: 8,
      cpus: 4,
      memory: '4Gi',
      image: 'registry/unpool:1',
      claim: 'imagenet',
      scan: ['unpool', 'scan', '/data/model.onnx', '--shard', '$INDEX/8'],
      merge: ['unpool', 'merge', '/data/studies/val', '--wait', '8'],
    });
    const [scan, merge] = loadAll(text) as Record<string, Record<string, unknown>>[];
    expect(scan).toMatchObject({
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: { name: 'unpool-val-study-1-scan' },
      spec: {
        completionMode: 'Indexed',
        completions: 8,
        parallelism: 8,
        template: {
          spec: {
            restartPolicy: 'OnFailure',
            containers: [
              {
                command: [
                  '/bin/sh',
                  '-c',
                  'exec unpool scan /data/model.onnx --shard "$((JOB_COMPLETION_INDEX + 1))/8"',
                ],
                env: [{ name: 'UNPOOL_THREADS', value: '4' }],
                resources: { requests: { cpu: '4', memory: '4Gi' } },
                volumeMounts: [{ name: 'data', mountPath: '/data' }],
              },
            ],
            volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'imagenet' } }],
          },
        },
      },
    });
    expect(merge!['metadata']).toEqual({ name: 'unpool-val-study-1-merge' });
    expect(loadAll(text)).toHaveLength(2);
  });

  it.skipIf(noPython)('is valid by the schema of Kubernetes, with nothing that it does not know', () => {
    const text = kubernetesManifest({
      name: 'Val study: 1',
      model: '/data/a model.onnx',
      pictures: '/data/imagenet/val',
      study: '/data/studies/val',
      shards: 64,
      cpus: 16,
      memory: '4Gi',
      image: 'registry/unpool:1',
      claim: 'imagenet',
      scan: ['unpool', 'scan', '/data/a model.onnx', '--shard', '$INDEX/64'],
      merge: ['unpool', 'merge', "/data/studies/it's", '--wait', '64'],
    });
    const validated = (manifest: string) =>
      spawnSync(python!, ['-m', 'kubernetes_validate', '--strict', '-'], {
        input: manifest,
        encoding: 'utf8',
      });
    expect(validated(text)).toMatchObject({ status: 0 });
    expect(validated(text.replace('backoffLimit', 'backofLimit')).status).not.toBe(0);
  });

  it('mounts what holds all of its paths', () => {
    expect(commonFolder(['/a/b/m.onnx', '/a/c', '/a/b/d'])).toBe('/a');
    expect(commonFolder(['/m.onnx', '/b/c'])).toBe('/');
  });
});

describe('a shard', () => {
  it('is written i/n', () => {
    expect(shardOf('3/8')).toEqual({ index: 3, of: 8 });
    for (const bad of ['0/8', '9/8', '3', '3/', 'a/b', '1/0', '1.5/2'])
      expect(() => shardOf(bad)).toThrow(/third of eight/);
  });
});
