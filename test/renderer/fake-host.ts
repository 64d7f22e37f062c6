import type {
  AppInfo,
  ArgsIn,
  CallName,
  Events,
  EventName,
  HostEvents,
  ItemOf,
  ProviderState,
  ResultOf,
  StudyInfo,
  TopEntry,
  UnitNote,
} from '../../preload/contract';
import { newSpec, type FigureSpec } from '../../main/core/figures/spec';
import type { Client, Host } from '../../renderer/host/host';
import { fakePictures } from './fake-pictures';
import { fakeProviders } from './fake-providers';
import { fakeSpread, fakeUnits } from './fake-unit';
import { fakeFigures, fakePreview } from './fake-figures';
import { fakeNetwork, hugeNetwork } from './fake-network';
import { fakeCatalogue, fakeEvidence, fakeFound, fakeLabelLists } from './fake-finder';
import {
  activationOf,
  cheaply,
  fakeClasses,
  fakeLayers,
  fakePixels as makePixels,
  fakePreprocessing,
  fakeSignal as makeSignal,
  fakeStudy,
  random,
  topOf,
} from './fake-data';

export interface FakeOptions {
  /** ms before an answer, and between items. */
  delay?: number;
  /** Changes of the study that is opened. */
  study?: Partial<StudyInfo>;
  /** Calls that fail, and with what. */
  failing?: Partial<
    Record<
      CallName,
      { code: string; message: string; hint?: string; place?: { file?: string; node?: string; field?: string } }
    >
  >;
  /** Calls that never answer. */
  hanging?: CallName[];
  /** A study of a network with hundreds of layers. */
  huge?: boolean;
  /** What runs networks, where not the usual. */
  runtime?: Partial<AppInfo['runtime']>;
  providers?: ProviderState[];
  recent?: boolean;
  /** The study is of an earlier program. */
  noSample?: boolean;
  /** Pictures that have come to the folder. */
  added?: number;
  demo?: boolean;
  /** Few pictures, made once and copied: for measuring the window and not this host. */
  cheap?: boolean;
  kind?: 'desktop' | 'browser';
}

type Answer = (args: never, tell: (item: unknown) => Promise<void>) => Promise<unknown>;

export interface FakeHost extends Host {
  emit<K extends EventName>(event: K, value: Events[K]): void;
  emitHost<K extends keyof HostEvents>(event: K, value: HostEvents[K]): void;
  /** Every call, in order. */
  log: { name: CallName; args: unknown; aborted: () => boolean }[];
}

/** A host whose engine is a few functions: for tests, and for looking at the window without one. */
export function fakeHost(options: FakeOptions = {}): FakeHost {
  const { delay = 0, cheap = false } = options;
  const [fakePixels, fakeSignal] = cheap ? cheaply() : [makePixels, makeSignal];
  const huge = options.huge ? hugeNetwork() : null;
  const study: StudyInfo = { ...fakeStudy, ...(huge && { layers: huge.layers }), ...options.study };
  const figures = fakeFigures();
  const notes = new Map<string, UnitNote>();
  const listeners = new Map<string, Set<(value: never) => void>>();
  const log: FakeHost['log'] = [];
  let runtime: AppInfo['runtime'] = {
    ...{ name: 'ONNX Runtime 1.30.0', threads: 2, note: null, choice: 'auto', given: false },
    ...options.runtime,
  };
  const layerOf = (id: string): (typeof fakeLayers)[number] =>
    study.layers.find((layer) => layer.id === id) ?? fakeLayers[0]!;
  const entriesOf = (of: 'top' | 'spread', layer: string, unit: number): TopEntry[] => {
    const info = layerOf(layer);
    return of === 'top' ? topOf(info, unit, study.settings.k) : fakeSpread(info, unit).map((entry, rank) => ({ ...entry, rank })); // prettier-ignore
  };
  const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
  const shareBox = ({ box }: TopEntry): [number, number, number, number] => [
    box[1] / 227,
    box[0] / 227,
    box[3] / 227,
    box[2] / 227,
  ];

  const listen = (event: string, listener: (value: never) => void): (() => void) => {
    const set = listeners.get(event) ?? new Set();
    listeners.set(event, set.add(listener));
    return () => set.delete(listener);
  };
  const emit = (event: string, value: unknown): void => {
    for (const listener of listeners.get(event) ?? []) listener(value as never);
  };

  const answers: {
    [K in CallName]: (args: ArgsIn<K>, tell: (item: ItemOf<K>) => Promise<void>) => Promise<ResultOf<K>>;
  } = {
    'app.info': async () => ({
      version: '0.1.0',
      runtime,
      demo: options.demo === false ? null : '/demo/study',
      initial: { kind: 'home' },
      home: '/home/ada',
    }),
    'runtime.choose': async ({ choice }) => {
      runtime = {
        ...runtime,
        choice,
        name: choice.startsWith('tfjs') ? 'TensorFlow.js 4.22.0 (WebAssembly)' : runtime.name,
      };
      setTimeout(() => {
        emit('host:engine.state', { state: 'restarting', message: 'It starts again.' });
        emit('host:engine.state', { state: 'ready', message: 'It runs again.' });
      }, delay);
      return null;
    },
    'providers.list': async () => [...(options.providers ?? fakeProviders)],
    'providers.try': async (_args, tell) => {
      await tell({ label: 'WebGPU', done: 1, total: 2 });
      await wait(delay);
      return (options.providers ?? fakeProviders).map((each) =>
        each.id === 'webgpu'
          ? { ...each, state: 'fits', difference: 4e-7, milliseconds: { provider: 0.6, processor: 2.1 } }
          : each,
      );
    },
    'recent.list': async () =>
      options.recent === false
        ? []
        : [
            {
              path: study.path,
              name: 'Grocery shelf',
              model: 'squeezenet1.0.onnx',
              pictures: 1404,
              opened: new Date(Date.now() - 36e5).toISOString(),
              missing: false,
            },
            {
              path: '/studies/dark',
              name: 'Dark photographs, low light',
              model: 'tinydarknet.onnx',
              pictures: 275,
              opened: new Date(Date.now() - 3e8).toISOString(),
              missing: false,
            },
            {
              path: '/studies/vgg',
              name: 'VGG on street signs',
              model: 'vgg16-12.onnx',
              pictures: 43000,
              opened: '2026-03-04T10:00:00Z',
              missing: true,
            },
          ],
    'recent.forget': async () => null,
    'study.find': async ({ path = '' }) => path || null,
    'study.rename': async ({ name }) => ({ ...study, name }),
    'study.relocate': async () => study,
    'study.delete': async ({ study: path }) => ({ trash: `/home/ada/trash/1${path}` }),
    'study.restore': async () => null,
    'study.strip': async ({ study: path }) => ({
      tiles: Array.from({ length: 8 }, (_, place) =>
        fakePixels(place * 31 + path.length, [0.2, 0.2, 0.7, 0.7], 88, 88),
      ),
    }),
    'look.read': async () => ({}),
    'look.write': async () => null,
    'files.list': async ({ path = '' }) => ({
      path: path || '/home/ada',
      parent: path === '/' ? null : '/home',
      entries: [
        ...['Documents', 'models', 'photos', 'results'].map((name) => ({
          name,
          path: `/home/ada/${name}`,
          kind: 'folder' as const,
          bytes: 0,
        })),
        { name: 'grocery-study', path: '/home/ada/grocery-study', kind: 'study' as const, bytes: 0 },
        { name: 'squeezenet1.0.onnx', path: '/home/ada/squeezenet1.0.onnx', kind: 'model' as const, bytes: 4_956_208 },
        { name: 'tinydarknet.onnx', path: '/home/ada/tinydarknet.onnx', kind: 'model' as const, bytes: 4_012_000 },
        { name: 'holiday.jpg', path: '/home/ada/holiday.jpg', kind: 'picture' as const, bytes: 2_400_000 },
      ],
    }),
    'model.audit': async ({ method }) => ({
      method: method.id,
      rows: study.layers.slice(0, -1).map((each, place) => ({
        node: `${each.name}/op`,
        op: each.nodes[0]!,
        value: each.id,
        layer: each.name,
        parts: place === 2 ? [`${each.name}/conv`, `${each.name}/bn`] : [],
        role: each.kind === 'pool' ? 'pool with switches' : each.refused ? 'gate' : 'filter',
        rule: each.refused
          ? ''
          : each.kind === 'pool'
            ? 'unpool by switches (3×3, stride 2)'
            : 'transposed filters, no bias (3×3)',
        assumed: place === 3,
        refused: each.refused,
      })),
      layers: {
        exact: study.layers.filter((each) => each.scanned && !each.refused).length,
        refused: study.layers.filter((each) => each.refused).map((each) => each.name),
      },
      notes: study.notes,
    }),
    'model.graph': async ({ method }) => huge?.graph ?? fakeNetwork(study.layers, method.id),
    'model.inspect': async ({ path, size }) => ({
      path,
      name: path.replace(/^.*\//, ''),
      bytes: 4_956_208,
      sha256: 'a3f1'.repeat(16),
      input: { name: 'data', channels: 3, size: size ?? [227, 227], freeSize: true },
      batchOne: null,
      layers: study.layers,
      notes: study.notes,
      presets: [
        {
          id: 'caffe',
          label: 'Caffe, RGB',
          note: '0..255 minus the mean of ImageNet',
          preprocessing: fakePreprocessing,
        },
        {
          id: 'torch',
          label: 'torchvision',
          note: '0..1, mean and std of ImageNet',
          preprocessing: {
            ...fakePreprocessing,
            scale: 1 / 255,
            mean: [0.485, 0.456, 0.406],
            std: [0.229, 0.224, 0.225],
          },
        },
      ],
      proposed: {
        preset: 'caffe',
        reason: 'Proposed because the first layer’s weights are of the size that values from 0 to 255 want.',
      },
      found: fakeFound,
      labels: { file: '/models/squeezenet1.0.labels.txt', count: 1000 },
      labelLists: fakeLabelLists,
      known: null,
    }),
    'model.evidence': async ({ sample = 60 }, tell) => {
      for (let done = 0; done <= sample; done += sample / 4) await tell({ done, total: sample });
      return fakeEvidence(sample);
    },
    'catalogue.list': async () => fakeCatalogue,
    'catalogue.get': async ({ id }, tell) => {
      const model = fakeCatalogue.models.find((each) => each.id === id)!;
      for (let part = 1; part <= 4; part++) await tell({ done: (part * model.bytes) / 4, total: model.bytes });
      return { path: `${fakeCatalogue.folder}/${model.file}` };
    },
    'pictures.inspect': async ({ path }) => ({
      path,
      count: 1404,
      classes: fakeClasses.map((name, index) => ({ name, count: 120 + index * 9 })),
      sample: ['banana/banana_0001.jpg'],
    }),
    'preprocessing.preview': async ({ picture, preprocessing }) => {
      const [height, width] = preprocessing.size;
      return {
        ...fakePixels(picture, [0, 0, 1, 1], 480, 360),
        file: `banana/banana_${picture}.jpg`,
        class: 'banana',
        original: { width: 2400, height: 1800 },
        inputBox: [20, 80, 340, 400],
        network: fakePixels(picture, [80 / 480, 20 / 360, 400 / 480, 340 / 360], width, height),
      };
    },
    'study.create': async () => study,
    'study.open': async ({ path }) => ({
      ...study,
      path,
      name: path === study.path ? study.name : 'Demo: drawn shapes',
    }),
    'scan.start': async () => null,
    'scan.grow': async () => ({ added: options.added ?? 0 }),
    'scan.again': async () => null,
    'scan.shard': async () => study.scan,
    'scan.shards': async () => [],
    'scan.merge': async () => study,
    'scan.pause': async () => null,
    'scan.cancel': async () => null,
    'layer.table': async ({ layer }) => {
      const { units } = layerOf(layer);
      const classes = study.pictures.classes.length;
      const activation = Float32Array.from({ length: units }, (_, unit) => activationOf(layer, unit));
      const next = random(units);
      const firing = activation.map((value) => (value === 0 ? 0 : next() ** 2));
      const selectivity = activation.map((value) => (value === 0 ? NaN : next()));
      return {
        layer,
        activation,
        firing,
        mean: activation.map((value) => value * 0.2),
        selectivity,
        bestClass: Int32Array.from(activation, (value) => (value === 0 ? -1 : Math.floor(next() * classes))),
      };
    },
    'layer.summaries': async () =>
      study.layers
        .filter(({ scanned }) => scanned)
        .map(({ id, units }) => {
          const activation = Array.from({ length: units }, (_, unit) => activationOf(id, unit));
          const silent = activation.filter((value) => value === 0).length;
          return { layer: id, units, silent, firing: random(units)() ** 2 };
        }),
    'unit.detail': async ({ layer, unit }) => {
      const info = layerOf(layer);
      const strongest = activationOf(layer, unit);
      const top = strongest === 0 ? [] : topOf(info, unit, study.settings.k);
      const byClass = new Map<string, number>();
      for (const entry of top) byClass.set(entry.class ?? '', (byClass.get(entry.class ?? '') ?? 0) + 1);
      const peak = 7 + (unit % 9);
      return {
        layer,
        unit,
        label: info.id === 'fc' ? (study.labels?.[unit] ?? null) : null,
        top,
        histogram: {
          start: 0,
          width: strongest / 40 || 1,
          counts: Array.from({ length: 40 }, (_, bin) =>
            bin > 36 ? 3 : Math.round(90 * Math.exp(-((bin - peak) ** 2) / 60) * (bin > 26 ? 0 : 1)),
          ),
        },
        firing: strongest === 0 ? 0 : 0.31,
        mean: strongest * 0.2,
        classes: [...byClass].map(([name, count]) => ({ name, count })).sort((a, b) => b.count - a.count),
        pictures: 1404,
      };
    },
    'unit.patches': async ({ layer, unit, size, of = 'top', rank: only = null }, tell) => {
      for (const entry of entriesOf(of, layer, unit)) {
        if (only !== null && only !== entry.rank) continue;
        const side = Math.min(size, Math.max(16, (entry.box[2] - entry.box[0]) * 2));
        const { rank, picture, y, x } = entry;
        await tell({ rank, picture, y, x, patch: fakePixels(picture, shareBox(entry), side, side) });
      }
      return null;
    },
    'unit.reconstructions': async ({ layer, unit, method, of = 'top' }, tell) => {
      const info = layerOf(layer);
      for (const { rank, picture, y, x, activation } of entriesOf(of, layer, unit)) {
        const side = info.field?.[0] ?? 227;
        await wait(delay * 3);
        await tell({
          rank,
          picture,
          y,
          x,
          activation,
          ...fakeSignal(unit + rank * 7 + method.id.length, side, side, activation),
        });
      }
      return {
        extent: 'cone',
        milliseconds: 412,
        rules: [
          { node: 'relu3', op: 'Relu', role: 'rectifier', rule: 'rectified signal' },
          { node: 'conv3', op: 'Conv', role: 'linear', rule: 'adjoint' },
          { node: 'pool1', op: 'MaxPool', role: 'select', rule: 'switches, overlaps added' },
          { node: 'conv1', op: 'Conv', role: 'linear', rule: 'adjoint' },
        ],
      };
    },
    'layer.render': async (_, tell) => {
      for (let done = 1; done <= 40; done++) await tell({ done, total: 40, left: done > 2 ? 40 - done : null });
      return { ready: 40, ranks: 1, of: 9 };
    },
    'grid.tiles': async ({ layer, units, show, size }, tell) => {
      const info = layerOf(layer);
      for (const unit of units) {
        const [entry] = topOf(info, unit, 1);
        const side = Math.min(size, info.field?.[0] ?? 227);
        await tell({
          unit,
          ...(show !== 'reconstruction' && entry
            ? { patch: fakePixels(entry.picture, shareBox(entry), size, size) }
            : {}),
          ...(show !== 'patch' ? { signal: fakeSignal(unit, side, side, activationOf(layer, unit)) } : {}),
        });
      }
      return null;
    },
    ...fakePictures(study, layerOf),
    ...fakeUnits(study, layerOf, options.noSample),
    'notes.read': async () => [...notes.values()],
    'notes.write': async ({ units }) => {
      for (const note of units) notes.set(`${note.layer}/${note.unit}`, note);
      return null;
    },
    'notes.export': async () => ({ bytes: new Uint8Array(8), path: null }),
    'figure.preview': async ({ spec }) => fakePreview(spec as FigureSpec),
    'figure.make': async ({ path }) => ({ bytes: new Uint8Array(8), path: path ?? null }),
    'atlas.make': async ({ path }) => ({ bytes: new Uint8Array(8), path: path ?? null }),
    'figure.list': async () => figures.list(),
    'figure.save': async ({ id = '', spec }) => figures.save(id, spec as FigureSpec),
    'figure.remove': async ({ id }) => figures.remove(id),
    'figure.spec': async () => newSpec([{ layer: 'fire5', units: [175] }]),
    'figure.verify': async ({ path }) => ({
      ...{ path, kind: 'png', study: study.path, units: 1, tiles: 9, same: true, differences: [], notes: [] },
    }),
  };

  const client: Client = {
    async call(name, args, more = {}) {
      const { signal } = more;
      log.push({ name, args, aborted: () => signal?.aborted ?? false });
      const stop = (): void => {
        if (signal?.aborted) throw new DOMException('cancelled', 'AbortError');
      };
      if (options.hanging?.includes(name)) await new Promise(() => undefined);
      await wait(delay);
      stop();
      const failure = options.failing?.[name];
      if (failure) throw Object.assign(new Error(failure.message), { info: failure });
      const answer = answers[name] as unknown as Answer;
      const result = await answer(args as never, async (item) => {
        await wait(delay / 4);
        stop();
        more.onItem?.(item as never);
      });
      stop();
      return result as never;
    },
    on: (event, listener) => listen(event, listener as (value: never) => void),
  };

  return {
    kind: options.kind ?? 'browser',
    client,
    pathOf: (file) => (options.kind === 'desktop' ? `/home/ada/${file.name}` : null),
    linkOf: (hash) => `unpool://${hash.slice(2)}`,
    saveFile: async (name, make) => {
      await make('');
      return `Saved as ${name}.`;
    },
    copyPicture: async (make) => void (await make()),
    on: (event, listener) => listen(`host:${event}`, listener as (value: never) => void),
    emit,
    emitHost: (event, value) => emit(`host:${event}`, value),
    log,
  };
}
