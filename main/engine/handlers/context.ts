import type { AppInfo, CallName, EventName, Events } from '../../../preload/contract';
import type { Handlers } from '../../../preload/rpc';
import type { Runtime } from '../../core/runtime/runtime';
import type { ComputeQueue } from '../jobs/queue';
import type { Decoders } from '../pictures/decoders';
import type { Providers } from '../providers/providers';
import type { RecentList } from '../recent/recent';
import type { Passes } from '../cache/passes';
import type { Reconstructions } from '../cache/reconstructions';
import type { Scans } from '../scan/scans';
import type { Studies } from '../scan/studies';
import type { ModelStore } from '../study/models';

export interface EngineOptions {
  /** Where studies, the list of recent ones and settings live. */
  home: string;
  /** The demo study's folder; null where it is not there. */
  demo: string | null;
  /** What runs networks, given by whoever starts the engine. */
  runtime: Runtime;
  /** What was asked for, and what should be known of it: a library that did not load. */
  runtimeChoice?: Pick<AppInfo['runtime'], 'choice' | 'given' | 'note'>;
  /** What ONNX Runtime may compute with; left out: nothing beside the processor. */
  providers?: Providers;
  /** Starts the engine's process anew, with what the settings say then. */
  restart?(): void;
  version: string;
  initial?: AppInfo['initial'];
  emit<K extends EventName>(event: K, value: Events[K]): void;
  /** ms between a running scan's checkpoints, where not the usual. */
  checkpointEvery?: number;
  /** Bytes of reconstructions that are kept on disk, where not the usual. */
  cacheBytes?: number;
  /** What decodes the pictures of a scan, where not this thread. */
  decoders?: Decoders;
}

/** What the handlers share. */
export interface Context {
  readonly options: EngineOptions;
  readonly runtime: Runtime;
  readonly queue: ComputeQueue;
  readonly models: ModelStore;
  readonly studies: Studies;
  readonly scans: Scans;
  readonly recent: RecentList;
  readonly reconstructions: Reconstructions;
  readonly passes: Passes;
  /** Bytes of reconstructions that are kept on disk. */
  readonly cacheLimit: number;
}

/** A group of handlers. */
export type Group<K extends CallName> = Pick<Handlers, K>;
