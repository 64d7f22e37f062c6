import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync, realpathSync, statSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { basename, dirname, isAbsolute, relative, resolve, sep } from 'node:path';
import { UnpoolError } from '../../core/errors';
import { readModel } from '../../core/formats/index';
import type { Graph } from '../../core/graph/graph';
import type { Tensor } from '../../core/graph/tensor';
import { openNetwork, type Network } from '../../core/program/network';
import { createObserver, type Observer } from '../../core/program/observer';
import { createReconstructor, type Reconstructor } from '../../core/program/reconstructor';
import type { Runtime } from '../../core/runtime/runtime';
import { fileError } from './files';

/** A model file made ready. */
export interface Model {
  path: string;
  name: string;
  bytes: number;
  sha256: string;
  network: Network;
  reconstructor: Reconstructor;
  observer: Observer;
}

const kept = 2;

/** Loads models and keeps the last ones used. */
export class ModelStore {
  private readonly runtime: Runtime;
  private readonly exclusive: <T>(task: () => Promise<T>) => Promise<T>;
  private readonly models = new Map<string, Promise<Model>>();

  /** `exclusive` runs a task while nothing else computes: a model's sessions are let go of then. */
  constructor(runtime: Runtime, exclusive: <T>(task: () => Promise<T>) => Promise<T>) {
    this.runtime = runtime;
    this.exclusive = exclusive;
  }

  /** `size` [height, width] is used where the model leaves its input's size free. Throws UnpoolError. */
  async load(path: string, size?: [number, number]): Promise<Model> {
    const { mtimeMs, size: bytes } = await stat(path).catch((error: unknown) => {
      throw fileError(error, 'read', path);
    });
    const file = JSON.stringify([path, mtimeMs, bytes]);
    const sized = `${file} ${size?.join(' x ') ?? 'any'}`;
    const key = this.models.has(sized) ? sized : ((await this.fixed(file)) ?? sized);
    let model = this.models.get(key);
    if (!model) {
      model = this.open(path, size);
      model.catch(() => this.models.delete(key)); // a failure is not kept; the caller sees it
    }
    this.models.delete(key);
    this.models.set(key, model);
    for (const [oldest, old] of this.models) {
      if (this.models.size <= kept) break;
      this.models.delete(oldest);
      this.dispose(old);
    }
    return model;
  }

  /** The key of a file that is loaded already and whose input has one size only, whatever was asked for. */
  private async fixed(file: string): Promise<string | undefined> {
    for (const [key, loading] of this.models) {
      const model = key.startsWith(`${file} `) && (await loading.catch(() => null));
      if (model && !model.network.input.freeSize) return key;
    }
    return undefined;
  }

  private async open(path: string, size?: [number, number]): Promise<Model> {
    const { graph, bytes, sha256 } = await readGraph(path);
    const network = await inFile(path, () => openNetwork(graph, { ...(size && { size }), runtime: this.runtime }));
    return {
      path,
      name: basename(path),
      bytes,
      sha256,
      network,
      reconstructor: createReconstructor(this.runtime, network),
      observer: createObserver(this.runtime, network),
    };
  }

  private dispose(model: Promise<Model>): void {
    void model.then((each) => this.exclusive(() => letGo(each))).catch(() => undefined);
  }

  async close(): Promise<void> {
    const models = await Promise.allSettled(this.models.values());
    this.models.clear();
    for (const model of models) if (model.status === 'fulfilled') await this.exclusive(() => letGo(model.value));
  }
}

/** A function of its own: the file's bytes are not held while the network is made ready. */
async function readGraph(path: string): Promise<{ graph: Graph; bytes: number; sha256: string }> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (error) {
    throw fileError(error, 'read', path);
  }
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const graph = await inFile(path, () => readModel(bytes, { external: beside(path), name: basename(path), own: true }));
  return { graph: isItsWeights(graph, bytes) ? graph : withOwnArrays(graph), bytes: bytes.length, sha256 };
}

/** Whether windows on the file are nearly all of it: then it is kept whole, and copies would be a second one. */
function isItsWeights({ initializers }: Graph, bytes: Uint8Array): boolean {
  let windows = 0;
  for (const { data } of initializers.values()) if (data.buffer === bytes.buffer) windows += data.byteLength;
  return windows > 0.9 * bytes.length;
}

/** A weight that is a window on the file keeps all of the file in memory, beside those that were copied to be aligned. */
function withOwnArrays(graph: Graph): Graph {
  const own = ({ data, ...tensor }: Tensor): Tensor => ({
    ...tensor,
    data: data.byteLength < data.buffer.byteLength ? data.slice() : data,
  });
  return { ...graph, initializers: new Map(Array.from(graph.initializers, ([name, tensor]) => [name, own(tensor)])) };
}

async function letGo({ reconstructor, observer }: Model): Promise<void> {
  await reconstructor.dispose();
  await observer.dispose();
}

/** Adds the file's name to what the core, which knows no files, says is wrong with it. */
async function inFile<T>(path: string, task: () => Promise<T>): Promise<T> {
  try {
    return await task();
  } catch (error) {
    if (!(error instanceof UnpoolError) || error.place.file) throw error;
    throw new UnpoolError(error.code, error.message, {
      ...(error.hint && { hint: error.hint }),
      place: { ...error.place, file: path },
      cause: error,
    });
  }
}

/**
 * Reads weights that lie in files beside the model. Only there: a model from a stranger must not name other files of this
 * machine.
 */
function beside(model: string): (location: string, offset: number, length: number | null) => Uint8Array {
  const folder = realpathSync(dirname(model));
  return (location, offset, length) => {
    const file = resolve(folder, location);
    try {
      const way = relative(folder, realpathSync(file));
      if (way === '..' || way.startsWith(`..${sep}`) || isAbsolute(way))
        throw new UnpoolError('bad-model', `The model wants weights from "${location}", outside its own folder.`, {
          hint: 'Put that file into the folder of the model and export the model again.',
          place: { file: model },
        });
      const size = length ?? statSync(file).size - offset;
      const bytes = new Uint8Array(size);
      const handle = openSync(file, 'r');
      try {
        let at = 0;
        while (at < size) {
          const got = readSync(handle, bytes, at, Math.min(size - at, 1 << 30), offset + at);
          if (got === 0) break;
          at += got;
        }
        return at === size ? bytes : bytes.subarray(0, at);
      } finally {
        closeSync(handle);
      }
    } catch (error) {
      throw fileError(error, 'read', file);
    }
  };
}
