import type { LayerInfo, Pixels, Preprocessing, Signal, StudyInfo, TopEntry } from '../../preload/contract';

/** Generated study data: the same every time, and cheap at any size. */

export function random(seed: number): () => number {
  let state = (seed * 2654435761) >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state / 2 ** 32;
  };
}

const layer = (id: string, more: Partial<LayerInfo>): LayerInfo => ({
  id,
  name: id,
  kind: 'conv',
  units: 64,
  map: [28, 28],
  field: [7, 7],
  stride: [4, 4],
  nodes: ['Conv', 'Relu'],
  macs: 1e8,
  scanned: true,
  refused: null,
  assumed: 0,
  ...more,
});

export const fakeLayers: LayerInfo[] = [
  layer('conv1', { units: 64, map: [111, 111], field: [7, 7], stride: [2, 2], macs: 2.1e7 }),
  layer('pool1', {
    kind: 'pool',
    units: 64,
    map: [55, 55],
    field: [11, 11],
    nodes: ['MaxPool'],
    scanned: false,
    macs: 2.1e7,
  }),
  layer('fire2/expand', { units: 300, map: [55, 55], field: [27, 27], stride: [4, 4], macs: 2.2e8 }),
  layer('fire2/concat', {
    kind: 'join',
    units: 364,
    map: [55, 55],
    field: [27, 27],
    stride: [4, 4],
    nodes: ['Concat'],
    macs: 2.2e8,
  }),
  layer('conv3', {
    units: 4096,
    map: [27, 27],
    field: [99, 99],
    stride: [8, 8],
    nodes: ['Conv', 'LeakyRelu'],
    macs: 6.4e8,
  }),
  layer('gate', {
    units: 32,
    map: [13, 13],
    field: [163, 163],
    refused: 'MatMul "gate" cannot be walked back through by the deconvnet: both factors depend on the picture.',
    assumed: 2,
  }),
  layer('fc', { kind: 'dense', units: 12, map: [1, 1], field: null, nodes: ['Gemm'], macs: 8.6e8 }),
];

export const fakeClasses = [
  'banana',
  'bell pepper',
  'cucumber',
  'lemon',
  'mushroom',
  'orange',
  'pineapple',
  'pomegranate',
  'zucchini',
];

export const fakePreprocessing: Preprocessing = {
  size: [227, 227],
  resize: { rule: 'crop', shorter: 256 },
  channels: 'rgb',
  scale: 1,
  mean: [123, 117, 104],
  std: [1, 1, 1],
  background: [128, 128, 128],
};

export const fakeStudy: StudyInfo = {
  path: '/studies/grocery',
  id: '0123456789abcdef',
  name: 'Grocery shelf',
  demo: false,
  created: '2026-11-01T10:00:00Z',
  model: { path: '/models/squeezenet1.0.onnx', name: 'squeezenet1.0.onnx', sha256: 'a3f1'.repeat(16), missing: false },
  pictures: { path: '/photos/grocery', count: 1404, classes: fakeClasses, missing: false },
  preprocessing: fakePreprocessing,
  settings: { k: 9, onePerPicture: true, before: false, batch: null },
  inputChannels: 3,
  layers: fakeLayers,
  scan: { phase: 'done', done: 1404, total: 1404, rate: 0, left: null, broken: 0, error: null },
  broken: [],
  labels: [
    'tench',
    'goldfish',
    'hammerhead',
    'ostrich',
    'robin',
    'Granny Smith',
    'lemon',
    'fig',
    'pineapple',
    'banana',
    'jackfruit',
    'orange',
  ],
  notes: ['4 Dropout nodes do nothing at inference and were left out.'],
};

/** Strongest activation of a unit; some units are silent. */
export function activationOf(layerId: string, unit: number): number {
  const next = random(unit * 31 + layerId.length * 977 + layerId.charCodeAt(0));
  next();
  if (next() < 0.04) return 0;
  return 40 * Math.exp(next() * 5.2);
}

interface Blob {
  x: number;
  y: number;
  spread: number;
  colour: [number, number, number];
}
const blobs = new Map<number, Blob[]>();
function blobsOf(picture: number): Blob[] {
  const known = blobs.get(picture);
  if (known) return known;
  const next = random(picture + 17);
  for (let i = 0; i < 4; i++) next();
  const hue = next();
  const made = Array.from({ length: 12 }, () => {
    const tone = (hue + (next() - 0.5) * 0.3) * 6.28;
    const light = 0.3 + next() * 0.6;
    return {
      x: next(),
      y: next(),
      spread: 0.05 + next() * 0.17,
      colour: [0, 2.1, 4.2].map((shift) => light * (0.55 + 0.45 * Math.cos(tone + shift))) as [number, number, number],
    };
  });
  blobs.set(picture, made);
  return made;
}

/** A crop of a generated picture: u0, v0, u1, v1 in shares of the picture; outside it is mid-grey. */
export function fakePixels(
  picture: number,
  box: [number, number, number, number],
  width: number,
  height: number,
): Pixels {
  const rgba = new Uint8Array(width * height * 4).fill(255);
  const all = blobsOf(picture);
  for (let y = 0; y < height; y++) {
    const v = box[1] + ((box[3] - box[1]) * (y + 0.5)) / height;
    for (let x = 0; x < width; x++) {
      const u = box[0] + ((box[2] - box[0]) * (x + 0.5)) / width;
      const at = (y * width + x) * 4;
      if (u < 0 || v < 0 || u > 1 || v > 1) {
        rgba.fill(128, at, at + 3);
        continue;
      }
      const sum = [0.1 + 0.12 * v, 0.11 + 0.1 * v, 0.1 + 0.05 * v];
      for (const { x: bx, y: by, spread, colour } of all) {
        const distance = Math.hypot(u - bx, v - by) / spread;
        if (distance >= 1) continue;
        const shade = Math.sqrt(1 - distance * distance);
        for (let c = 0; c < 3; c++) sum[c] = (colour[c] ?? 0) * (0.35 + 0.65 * shade);
      }
      for (let c = 0; c < 3; c++) rgba[at + c] = Math.min(255, 255 * (sum[c] ?? 0));
    }
  }
  return { width, height, rgba };
}

export function fakeSignal(seed: number, width: number, height: number, strength: number): Signal {
  const next = random(seed + 5);
  next();
  const plane = width * height;
  const data = new Float32Array(3 * plane);
  for (let k = 0; k < 5; k++) {
    const angle = next() * 3.14;
    const period = (0.12 + next() * 0.2) * width;
    const spread = (0.07 + next() * 0.1) * width;
    const cx = (0.3 + next() * 0.4) * width;
    const cy = (0.3 + next() * 0.4) * height;
    const gain = [next() - 0.4, next() - 0.4, next() - 0.4];
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) {
        const wave = Math.cos((6.28 * ((x - cx) * Math.cos(angle) + (y - cy) * Math.sin(angle))) / period);
        const value = strength * wave * Math.exp(-((x - cx) ** 2 + (y - cy) ** 2) / (2 * spread * spread));
        for (let c = 0; c < 3; c++) data[c * plane + y * width + x]! += value * (gain[c] ?? 0);
      }
  }
  return { channels: 3, width, height, data };
}

/** The two above, of a few pictures and signals that are made once: each answer is a copy, as from an engine. */
export function cheaply(): [typeof fakePixels, typeof fakeSignal] {
  const few = 16;
  const pixels = new Map<string, Pixels>();
  const signals = new Map<string, Signal>();
  const pool = <T>(kept: Map<string, T>, key: string, make: () => T): T => {
    const known = kept.get(key) ?? make();
    kept.set(key, known);
    return known;
  };
  return [
    (picture, box, width, height) => {
      const made = pool(pixels, [picture % few, width, height].join(), () => fakePixels(picture, box, width, height));
      return { ...made, rgba: made.rgba.slice() };
    },
    (seed, width, height, strength) => {
      const made = pool(signals, [seed % few, width, height].join(), () => fakeSignal(seed, width, height, strength));
      return { ...made, data: made.data.slice() };
    },
  ];
}

export function topOf(info: LayerInfo, unit: number, k = 9): TopEntry[] {
  const strongest = activationOf(info.id, unit);
  const next = random(unit * 131 + info.units);
  next();
  const favourite = Math.floor(next() * fakeClasses.length);
  const [height, width] = info.field ?? [227, 227];
  return Array.from({ length: k }, (_, rank) => {
    const picture = Math.floor(next() * 1404);
    const y0 = info.field ? Math.floor(next() * (227 - height * 0.7) - height * 0.1) : 0;
    const x0 = info.field ? Math.floor(next() * (227 - width * 0.7) - width * 0.1) : 0;
    const name = fakeClasses[next() < 0.5 ? favourite : Math.floor(next() * fakeClasses.length)] ?? '';
    return {
      rank,
      picture,
      file: `${name}/${name.replace(' ', '_')}_${String(picture).padStart(4, '0')}.jpg`,
      class: name,
      activation: strongest * Math.max(0.02, 1 - rank * 0.045 - next() * 0.03),
      y: Math.max(0, Math.floor(y0 / info.stride[0])),
      x: Math.max(0, Math.floor(x0 / info.stride[1])),
      box: [y0, x0, y0 + height, x0 + width],
    };
  });
}
