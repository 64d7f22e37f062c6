import { join } from 'node:path';
import type { Handlers } from '../../../preload/rpc';
import { Passes } from '../cache/passes';
import { DiskCache } from '../cache/disk';
import { Reconstructions } from '../cache/reconstructions';
import { createQueue } from '../jobs/queue';
import { RecentList } from '../recent/recent';
import { decodersHere } from '../pictures/decoders';
import { Scans } from '../scan/scans';
import { Studies } from '../scan/studies';
import { ModelStore } from '../study/models';
import { appHandlers } from './app';
import type { Context, EngineOptions } from './context';
import { catalogueHandlers } from './catalogue';
import { figureHandlers } from './figure';
import { filterHandlers } from './filters';
import { libraryHandlers } from './library';
import { modelHandlers } from './model';
import { noteHandlers } from './notes';
import { pictureHandlers } from './picture';
import { reconstructionHandlers } from './reconstructions';
import { sampleHandlers } from './sample';
import { shardHandlers } from './shards';
import { studyHandlers } from './study';
import { unitHandlers } from './units';

export type { EngineOptions } from './context';

export interface Engine {
  handle: Handlers;
  /** Pauses what is scanned and lets go of everything. */
  dispose(): Promise<void>;
}

/** Reconstructions on disk may take so much. */
const cacheBytes = 1e9;

/** Everything that the program does apart from showing it: one handler for each call of the contract. */
export function createEngine(options: EngineOptions): Engine {
  const { runtime } = options;
  const queue = createQueue();
  const models = new ModelStore(runtime, (task) => queue.run('interactive', task));
  const { demo, emit, checkpointEvery, decoders = decodersHere } = options;
  const studies: Studies = new Studies({ demo, models, runs: (folder) => scans.runs(folder) });
  const scans: Scans = new Scans(
    { runtime, queue, decoders, emit, ...(checkpointEvery !== undefined && { checkpointEvery }) },
    studies,
  );
  const disk = new DiskCache(join(options.home, 'cache'), options.cacheBytes ?? cacheBytes);
  const maker = `${options.version}, ${runtime.name}`;
  const context: Context = {
    options,
    runtime,
    queue,
    models,
    studies,
    scans,
    recent: new RecentList(options.home),
    passes: new Passes(studies, queue),
    reconstructions: new Reconstructions(studies, queue, disk, maker),
    cacheLimit: disk.limit,
  };
  return {
    handle: {
      ...appHandlers(context),
      ...modelHandlers(context),
      ...catalogueHandlers(context),
      ...studyHandlers(context),
      ...shardHandlers(context),
      ...libraryHandlers(context),
      ...unitHandlers(context),
      ...sampleHandlers(context),
      ...noteHandlers(context),
      ...reconstructionHandlers(context),
      ...figureHandlers(context),
      ...pictureHandlers(context),
      ...filterHandlers(context),
    },
    async dispose() {
      await scans.close();
      await models.close();
      await queue.idle();
      await disk.settle();
    },
  };
}
