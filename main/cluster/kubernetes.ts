import path from 'node:path';

export interface KubernetesOptions {
  name: string;
  /** Absolute paths, the same inside the containers. */
  model: string;
  pictures: string;
  study: string;
  shards: number;
  cpus: number;
  memory: string;
  image: string;
  /** The PersistentVolumeClaim (ReadWriteMany) that model, pictures and study lie on. */
  claim: string;
  /** The words that scan shard INDEX (in its place stands the shell's expression), and those that merge. */
  scan: readonly string[];
  merge: readonly string[];
}

type Yaml = string | number | readonly Yaml[] | { readonly [key: string]: Yaml };

/** Block YAML; text is quoted as in JSON, which YAML reads the same. */
function yaml(value: Yaml, indent = ''): string {
  if (typeof value !== 'object') return ` ${JSON.stringify(value)}\n`;
  if (Array.isArray(value))
    return `\n${(value as readonly Yaml[]).map((each) => `${indent}-${item(each, indent)}`).join('')}`;
  return `\n${Object.entries(value)
    .map(([key, each]) => `${indent}${key}:${yaml(each, `${indent}  `)}`)
    .join('')}`;
}
/** The first line of a mapping stands beside its dash. */
const item = (value: Yaml, indent: string): string => {
  const text = yaml(value, `${indent}  `);
  return text.startsWith('\n') ? ` ${text.slice(1).trimStart()}` : text;
};

/** The folder that holds all of these. */
export function commonFolder(paths: readonly string[]): string {
  const [first = [], ...rest] = paths.map((each) => path.dirname(each).split('/'));
  let length = 0;
  while (length < first.length && rest.every((parts) => parts[length] === first[length])) length++;
  return first.slice(0, length).join('/') || '/';
}

export const shardIndex = '$INDEX';

/**
 * Two Jobs: an indexed one whose pod i scans shard i + 1, and one that waits for all shards and merges them. A pod that is
 * evicted or dies is started again by Kubernetes and goes on with its shard.
 */
export function kubernetesManifest(options: KubernetesOptions): string {
  const { name, shards, cpus, memory, image, claim } = options;
  const mount = commonFolder([options.model, options.pictures, options.study]);
  const label = name.toLowerCase().replace(/[^a-z0-9]+/g, '-').replace(/^-+|-+$/g, '').slice(0, 40) || 'study'; // prettier-ignore
  const quoted = (word: string): string =>
    word.includes(shardIndex)
      ? `"${word.replace(shardIndex, '$((JOB_COMPLETION_INDEX + 1))')}"`
      : /^[\w@%+=:,./-]+$/.test(word)
        ? word
        : `'${word.replaceAll("'", `'\\''`)}'`;
  const job = (suffix: string, spec: Record<string, Yaml>, words: readonly string[], resources: Yaml): string =>
    yaml({
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: { name: `unpool-${label}-${suffix}` },
      spec: {
        ...spec,
        template: {
          spec: {
            restartPolicy: 'OnFailure',
            containers: [
              {
                name: 'unpool',
                image,
                command: ['/bin/sh', '-c', `exec ${words.map(quoted).join(' ')}`],
                env: [{ name: 'UNPOOL_THREADS', value: String(cpus) }],
                resources,
                volumeMounts: [{ name: 'data', mountPath: mount }],
              },
            ],
            volumes: [{ name: 'data', persistentVolumeClaim: { claimName: claim } }],
          },
        },
      },
    }).trimStart();
  const large = { requests: { cpu: String(cpus), memory }, limits: { memory } };
  const small = { requests: { cpu: '1', memory }, limits: { memory } };
  return [
    job(
      'scan',
      { completionMode: 'Indexed', completions: shards, parallelism: shards, backoffLimit: 4 * shards },
      options.scan,
      large,
    ),
    job('merge', { completions: 1, backoffLimit: 4 }, options.merge, small),
  ].join('---\n');
}
