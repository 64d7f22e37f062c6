import type { CatalogueInfo, EvidenceTable, FoundPreset, LabelList } from '../../preload/contract';
import { fakePreprocessing } from './fake-data';

export const fakeFound: FoundPreset[] = [
  {
    preset: 'caffe',
    source: 'beside',
    reason: 'Proposed because the first layer’s weights are of the size that values from 0 to 255 want.',
  },
  { preset: 'torch', source: 'habit', reason: 'Exported from PyTorch, where this is the habit. A guess.' },
];

export const fakeLabelLists: LabelList[] = [
  {
    id: 'beside:squeezenet1.0.labels.txt',
    label: 'squeezenet1.0.labels.txt',
    file: '/models/squeezenet1.0.labels.txt',
    count: 1000,
    reason: '"squeezenet1.0.labels.txt" lies beside the model.',
  },
  {
    id: 'imagenet1k',
    label: 'ImageNet-1k, synset order',
    file: null,
    count: 1000,
    reason: 'The network has 1000 classes; this is the usual order. A guess.',
  },
];

const unit = { ...fakePreprocessing, scale: 1 / 255, mean: [0, 0, 0], std: [1, 1, 1] };

export const fakeEvidence = (sample: number): EvidenceTable => ({
  presets: [
    { id: 'caffe', label: 'Caffe, RGB', note: '0..255 minus the mean', preprocessing: fakePreprocessing },
    { id: 'torch', label: 'torchvision', note: '0..1, mean and std', preprocessing: unit },
  ],
  labelLists: fakeLabelLists,
  rows: [
    ['caffe', 0, 0.517, 0.833, 2.74, 1.88],
    ['torch', 0, 0.033, 0.15, 11.11, 3.81],
    ['caffe', 1, 0, 0.02, 18.44, 1.88],
    ['torch', 1, 0, 0, 19.75, 3.81],
  ].map(([preset, list, top1, top5, surprise, entropy]) => ({
    preset: preset as string,
    labels: fakeLabelLists[list as number]!.id,
    top1: top1 as number,
    top5: top5 as number,
    surprise: surprise as number,
    entropy: entropy as number,
    labelled: sample,
    pictures: sample,
  })),
  matched: ['banana', 'lemon', 'orange'].map((name) => ({ folder: name, class: name })),
  unmatched: ['oat_milk'],
  note: 'Top-1 is the share of pictures whose folder is the network’s first answer.',
});

export const fakeCatalogue: CatalogueInfo = {
  folder: '/home/ada/.config/Unpool/models',
  note: 'Networks of the ONNX Model Zoo. The addresses have not been checked: each can be edited.',
  proxy: null,
  models: [
    ['zfnet512-12', 'ZFNet-512', 349_005_501, 'The network of Zeiler and Fergus.', null, 0],
    ['bvlcalexnet-12', 'AlexNet (BVLC)', 243_863_787, 'Local response normalisation.', null, 90_000_000],
    ['squeezenet1.0-12', 'SqueezeNet 1.0', 4_952_956, 'Fire modules.', '/home/ada/.config/Unpool/models/sq.onnx', 0],
  ].map(([id, name, bytes, note, path, partial]) => ({
    id: id as string,
    name: name as string,
    file: `${id}.onnx`,
    bytes: bytes as number,
    sha256: 'a3f1'.repeat(16),
    licence: 'Apache-2.0 (ONNX Model Zoo); weights by BVLC, unrestricted use',
    note: note as string,
    address: `https://models.example/${id}.onnx`,
    path: path as string | null,
    partial: partial as number,
  })),
};
