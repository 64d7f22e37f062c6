import { readFileSync } from 'node:fs';
import path from 'node:path';
import { readModel } from '../../../main/core/formats/index';
import { openNetwork } from '../../../main/core/program/network';
import { describe, expect, it } from 'vitest';
import { float32 } from '../../../main/core/graph/tensor';
import { readConfig, readMetadata } from '../../../main/core/preprocess/config';
import {
  alike,
  compareScores,
  cropsFirst,
  Evidence,
  probabilities,
  spread,
} from '../../../main/core/preprocess/evidence';
import { insideScaling, rangeOutside } from '../../../main/core/preprocess/inside';
import { matchFolders, normaliseName, parseLabelList } from '../../../main/core/preprocess/labels';
import { channelMeans, readNpy } from '../../../main/core/preprocess/npy';
import { decodeFloats, encodeFloats } from '../../../main/core/preprocess/base64';
import { asSeen, preprocess } from '../../../main/core/preprocess/preprocess';
import { presetsFor } from '../../../main/core/preprocess/presets';
import { findSources, type Known } from '../../../main/core/preprocess/sources';
import { Net } from '../support';

describe('lists of labels', () => {
  const tench = { wnid: 'n01440764', names: ['tench', 'Tinca tinca'] };
  it('are read from text, JSON and CSV', () => {
    expect(parseLabelList('# a remark\nn01440764 tench, Tinca tinca\r\nhen\n', 'txt')).toEqual([tench, { wnid: null, names: ['hen'] }]); // prettier-ignore
    expect(parseLabelList('n01440764\n', 'txt')).toEqual([{ wnid: 'n01440764', names: ['n01440764'] }]);
    expect(parseLabelList('{"1":"hen","0":["n01440764","tench"]}', 'json')).toEqual([{ wnid: 'n01440764', names: ['tench'] }, { wnid: null, names: ['hen'] }]); // prettier-ignore
    expect(parseLabelList('{"id2label":{"0":"tench, Tinca tinca"}}', 'json')).toEqual([{ ...tench, wnid: null }]);
    const csv = 'index,wnid,name\n1,n01443537,goldfish\n0,n01440764,"tench, Tinca tinca"';
    expect(parseLabelList(csv, 'csv')).toEqual([tench, { wnid: 'n01443537', names: ['goldfish'] }]);
    expect(parseLabelList('hen\ncock', 'csv').map(({ names }) => names[0])).toEqual(['hen', 'cock']);
    expect(parseLabelList('0;hen\n1;cock', 'csv').map(({ names }) => names[0])).toEqual(['hen', 'cock']);
  });

  it('meet folders by id, by name, by plural and by synonym', () => {
    for (const name of ['Bell_Peppers', 'bell pepper', 'bell-pepper', 'BellPepper']) expect(normaliseName(name)).toBe('bell pepper'); // prettier-ignore
    expect(normaliseName('Strawberries')).toBe('strawberry');
    expect(normaliseName('grass')).toBe('grass');
    const own = parseLabelList('hen\ntench\ncrane\ncrane', 'txt');
    const reference = parseLabelList('n01440764 tench, Tinca tinca', 'txt');
    expect(matchFolders(['Tench', 'n01440764', 'tinca_tinca', 'cranes', 'boat'], own, reference)).toEqual([[1], [1], [1], [2, 3], []]); // prettier-ignore
  });
});

describe('mean files', () => {
  const npy = (head: string, data: Uint8Array): Uint8Array => {
    const text = head.padEnd(117) + '\n';
    return Uint8Array.from([0x93, ...Buffer.from('NUMPY'), 1, 0, text.length, 0, ...Buffer.from(text), ...data]);
  };
  const floats = (values: number[]): Uint8Array => new Uint8Array(Float32Array.from(values).buffer);
  const values = Array.from({ length: 12 }, (_, i) => i);

  it('are read in both orders, and averaged by channel', () => {
    const planes = readNpy(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2, 2), }", floats(values)));
    expect(planes.shape).toEqual([3, 2, 2]);
    expect(channelMeans(planes, 3)).toEqual([1.5, 5.5, 9.5]);
    const pixels = readNpy(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2, 3), }", floats(values)));
    expect(channelMeans(pixels, 3)).toEqual([4.5, 5.5, 6.5]);
    // Column-major: element [i, j, k] lies at i + 2 j + 4 k.
    const columns = readNpy(npy("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 2, 3), }", floats(values)));
    expect(Array.from(columns.data.slice(0, 4))).toEqual([0, 4, 8, 2]);
    expect(channelMeans(columns, 3)).toEqual([1.5, 5.5, 9.5]);
    expect(channelMeans(columns, 1)).toBeNull();
  });

  it('that are none are told', () => {
    for (const bytes of [
      new Uint8Array(3),
      new Uint8Array(40),
      npy("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2, 2), }", floats([1])),
      npy("{'descr': '|O', 'fortran_order': False, 'shape': (3,), }", floats(values)),
      npy("{'descr': '<f4', 'fortran_order': False, 'shape': (99999, 99999), }", floats(values)),
    ])
      expect(() => readNpy(bytes)).toThrow(/not a \.npy file/);
  });
});

describe('configurations', () => {
  it("timm's", () => {
    const told = readConfig(
      JSON.stringify({
        architecture: 'convnext_tiny',
        pretrained_cfg: { input_size: [3, 224, 224], mean: [0.5, 0.4, 0.3], std: [0.2, 0.2, 0.2], crop_pct: 0.875, interpolation: 'bicubic' }, // prettier-ignore
      }),
      3,
    )!;
    expect(told.numbers).toEqual({ channels: 'rgb', scale: 1 / 255, mean: [0.5, 0.4, 0.3], std: [0.2, 0.2, 0.2] });
    expect(told.size).toEqual([224, 224]);
    expect(told.resize([224, 224])).toEqual({ rule: 'crop', shorter: 256 });
    expect([told.filter, told.notes]).toEqual(['bicubic', []]);
  });

  it("Hugging Face's, old and new", () => {
    const vit = readConfig(
      '{"do_normalize": true, "do_resize": true, "image_mean": [0.5,0.5,0.5], "image_std": [0.5,0.5,0.5], "size": 224, "resample": 2}',
      3,
    )!;
    expect(vit.numbers).toMatchObject({ scale: 1 / 255, mean: [0.5, 0.5, 0.5] });
    expect(vit.resize([224, 224])).toEqual({ rule: 'stretch' });
    const resnet = readConfig(
      '{"do_normalize": true, "crop_pct": 0.875, "image_mean": [0.485,0.456,0.406], "image_std": [0.229,0.224,0.225], "size": {"shortest_edge": 224}, "resample": 3}',
      3,
    )!;
    expect(resnet.resize([224, 224])).toEqual({ rule: 'crop', shorter: 256 });
    const google = readConfig(
      '{"do_center_crop": true, "crop_size": {"height": 224, "width": 224}, "do_normalize": true, "do_rescale": true, "image_mean": [0.5,0.5,0.5], "image_std": [0.5,0.5,0.5], "rescale_factor": 0.00784313725490196, "size": {"shortest_edge": 256}}',
      3,
    )!;
    expect(google.numbers.scale).toBeCloseTo(2 / 255);
    expect(google.resize([224, 224])).toEqual({ rule: 'crop', shorter: 256 });
    expect(google.resize([448, 448])).toEqual({ rule: 'crop', shorter: 512 });
  });

  it('that are something else are passed over', () => {
    for (const text of ['{', '[]', '{"a": 1}', '{"image_mean": [1, 2]}', '{"mean": [1,1,1], "std": [0,0,0]}'])
      expect(readConfig(text, 3)).toBeNull();
  });

  it("in a model's metadata", () => {
    const bgr = new Map([['Image.BitmapPixelFormat', 'Bgr8'], ['Image.NominalPixelRange', 'NominalRange_0_255']]); // prettier-ignore
    expect(readMetadata(bgr, 3)!.numbers).toEqual({ channels: 'bgr', scale: 1, mean: [0, 0, 0], std: [1, 1, 1] });
    expect(readMetadata(new Map([['mean', '[123.7, 116.8, 103.9]']]), 3)!.numbers.scale).toBe(1);
    expect(readMetadata(new Map([['mean', '0.5 0.5 0.5'], ['std', '0.2']]), 3)!.numbers).toMatchObject({ scale: 1 / 255, std: [0.2, 0.2, 0.2] }); // prettier-ignore
    expect(readMetadata(new Map([['author', 'x']]), 3)).toBeNull();
  });
});

describe('a scaling inside the model', () => {
  const constant = (net: Net, values: number[]): string =>
    net.builder.constant(float32([values.length, 1, 1], Float32Array.from(values)), 'numbers');
  const scaled = (op: string, values: number[], then?: [string, number[]]): Net => {
    const net = new Net([3, 8, 8]);
    let x = net.add(op, [net.picture, constant(net, values)]);
    if (then) x = net.add(then[0], [x, constant(net, then[1])]);
    net.add('Relu', [x], {}, 'out');
    return net;
  };
  const found = (net: Net) => {
    const graph = net.graph('out');
    return insideScaling(graph, graph.inputs[0]!.name);
  };
  it('tells which numbers it takes', () => {
    const rescaling = found(scaled('Mul', [1 / 127.5], ['Sub', [1]]))!;
    expect(rescaling.scale[0]).toBeCloseTo(1 / 127.5);
    expect(rescaling.shift[0]).toBeCloseTo(-1);
    expect(rangeOutside(rescaling)).toBe('bytes');
    expect(rangeOutside(found(scaled('Sub', [0.485, 0.456, 0.406], ['Div', [0.229, 0.224, 0.225]]))!)).toBe('unit');
    expect(rangeOutside(found(scaled('Sub', [104, 117, 123]))!)).toBe('bytes');
    expect(rangeOutside(found(scaled('Sub', [0.5]))!)).toBe('unit');
  });
  it('is none where there is none', () => {
    const net = new Net([3, 8, 8]);
    net.add('Relu', [net.picture], {}, 'out');
    expect(found(net)).toBeNull();
  });
});

describe('sources', () => {
  const graph = (metadata: [string, string][] = []): Known['graph'] => {
    const net = new Net([3, 32, 32]);
    net.add('Relu', [net.picture], {}, 'out');
    return { ...net.graph('out'), metadata: new Map(metadata) };
  };
  const known = (more: Partial<Known> = {}): Known => {
    const own = more.graph ?? graph();
    return { name: 'net.onnx', input: { name: own.inputs[0]!.name, channels: 3, size: [32, 32] }, graph: own, beside: [], catalogue: null, ...more }; // prettier-ignore
  };
  const timm = { name: 'config.json', text: '{"mean":[0.1,0.2,0.3],"std":[0.4,0.5,0.6],"input_size":[3,64,64]}' };
  const entry: Known['catalogue'] = {
    name: 'Net',
    numbers: { channels: 'bgr', scale: 1, mean: [104, 117, 123], std: [1, 1, 1] },
    shorter: 256,
    size: [224, 224],
  };

  it('come in the order of trust, each with its reason, and the first with its size', () => {
    const all = findSources(known({ graph: graph([['mean', '[1.9, 2, 3]']]), beside: [timm], catalogue: entry }));
    expect(all.found.map(({ source }) => source)).toEqual(['model', 'beside', 'catalogue', 'habit']);
    for (const { preset, reason } of all.found) {
      expect(all.presets.map(({ id }) => id)).toContain(preset);
      expect(reason.length).toBeGreaterThan(10);
    }
    const beside = findSources(known({ beside: [timm] }));
    expect(beside.size).toEqual([64, 64]);
    expect(beside.found[0]!.reason).toContain('64 x 64');
    expect(beside.presets.find(({ id }) => id === 'beside')!.preprocessing).toMatchObject({ size: [32, 32], mean: [0.1, 0.2, 0.3] }); // prettier-ignore
  });

  it('name a preset that is there already', () => {
    const { found, presets } = findSources(known({ catalogue: entry }));
    expect(found[0]).toMatchObject({ preset: 'caffe', source: 'catalogue' });
    expect(presets).toHaveLength(presetsFor(3, [32, 32]).length);
  });

  it('take a mean file as the mean of each channel, and of each pixel where it has enough, and say which', () => {
    const small = { shape: [3, 1, 2], data: Float64Array.from([1, 3, 5, 7, 9, 11]) };
    const channel = findSources(known({ beside: [{ name: 'mean.npy', sha256: 'a', mean: small }] }));
    expect(channel.found.map(({ source }) => source)).toEqual(['beside', 'habit']);
    expect(channel.found[0]!.reason).toContain('not that of each pixel');
    expect(channel.presets.find(({ id }) => id === channel.found[0]!.preset)!.preprocessing.mean).toEqual([2, 6, 10]);

    const large = { shape: [34, 36, 3], data: Float64Array.from({ length: 34 * 36 * 3 }, (_, i) => (i * 37) % 256) };
    const pixel = findSources(known({ beside: [{ name: 'mean.npy', sha256: 'b', mean: large }] }));
    const [first] = pixel.found.map(({ preset }) => pixel.presets.find(({ id }) => id === preset)!.preprocessing);
    expect(pixel.found.map(({ preset }) => preset)).toEqual(['beside', 'beside-2', 'torchvision']);
    const picture = { width: 32, height: 32, rgb: Uint8Array.from({ length: 3072 }, (_, i) => (i * 91) % 256) };
    const plain: typeof first = { ...first!, resize: { rule: 'stretch' }, std: [1, 2, 4] };
    const out = preprocess(picture, plain);
    // By its definition: BGR, the mean cut at its centre (one row, two columns in), then the deviation.
    for (const [c, y, x] of [
      [0, 0, 0],
      [1, 5, 7],
      [2, 31, 31],
    ] as const) {
      const value = picture.rgb[(y * 32 + x) * 3 + 2 - c]!;
      const mean = large.data[((y + 1) * 36 + x + 2) * 3 + c]!;
      expect(out[c * 1024 + y * 32 + x]).toBeCloseTo((value - mean) / plain.std[c]!, 4);
    }
    const seen = asSeen(out, plain).rgba;
    for (let i = 0; i < 1024; i++) for (let c = 0; c < 3; c++) expect(seen[4 * i + c]).toBe(picture.rgb[3 * i + c]);
  });
});

describe('base64', () => {
  it('is that of everybody else', () => {
    for (const length of [0, 1, 2, 3, 50]) {
      const numbers = Float32Array.from({ length }, (_, i) => Math.sin(i) * 1000);
      const text = encodeFloats(numbers);
      expect(text).toBe(Buffer.from(numbers.buffer).toString('base64'));
      expect(decodeFloats(text)).toEqual(numbers);
    }
    for (const text of ['A', 'AAAA', '????????', 'ÄAAAAA']) expect(decodeFloats(text)).toBeNull();
  });
});

describe('four channels', () => {
  const picture = { width: 4, height: 4, rgb: new Uint8Array(48).fill(51) };
  it('get an opaque fourth, or zeros', () => {
    const last = (id: string): Float32Array => {
      const preset = presetsFor(4, [4, 4]).find((each) => each.id === id)!;
      const out = preprocess(picture, preset.preprocessing);
      expect(out).toHaveLength(64);
      return out.slice(47, 50);
    };
    expect(Array.from(last('rgba-unit'))).toEqual([Math.fround(0.2), 1, 1]);
    expect(Array.from(last('rgba-bytes'))).toEqual([51, 255, 255]);
    expect(Array.from(last('rgb0-unit'))).toEqual([Math.fround(0.2), 0, 0]);
    expect(Array.from(last('rgb0-bytes'))).toEqual([51, 0, 0]);
  });
});

describe('evidence', () => {
  it('takes scores to probabilities once', () => {
    const p = probabilities(Float32Array.from([1, 2, 3]));
    const total = Math.exp(1) + Math.exp(2) + Math.exp(3);
    [1, 2, 3].forEach((score, i) => expect(p[i]).toBeCloseTo(Math.exp(score) / total, 6));
    probabilities(Float32Array.from(p)).forEach((value, i) => expect(value).toBeCloseTo(p[i]!, 6));
    expect(probabilities(Float32Array.from([1000, 0]))[0]).toBe(1);
  });

  it('counts agreement, entropy and surprise', () => {
    const tally = new Evidence();
    tally.add(Float64Array.from([0.5, 0.25, 0.25, 0, 0, 0, 0]), [0]);
    tally.add(Float64Array.from([0.5, 0.25, 0.25, 0, 0, 0, 0]), [1]);
    tally.add(Float64Array.from([0.5, 0.25, 0.25, 0, 0, 0, 0]), []);
    expect(tally.score()).toEqual({ top1: 0.5, top5: 1, surprise: 1.5, entropy: 1.5, labelled: 2, pictures: 3 });
    const silent = new Evidence();
    silent.add(new Float64Array(7).fill(1 / 7), [3]);
    expect(silent.score()).toMatchObject({ top1: 0, top5: 0 });
  });

  it('orders by agreement, without folders by entropy', () => {
    const score = (top1: number | null, entropy: number, labelled = 60) => ({ top1, top5: top1, surprise: top1, entropy, labelled, pictures: 60 }); // prettier-ignore
    expect([score(0.2, 1), score(0.9, 3), score(1, 1, 6)].sort(compareScores).map(({ top1 }) => top1)).toEqual([0.9, 0.2, 1]); // prettier-ignore
    expect([score(null, 3, 0), score(null, 1, 0)].sort(compareScores)[0]!.entropy).toBe(1);
    expect(alike(score(0.5, 1), score(0.6, 1))).toBe(true);
    expect(alike(score(0.5, 1), score(0.8, 1))).toBe(false);
    const rows = [{ ...score(0.5, 1), id: 'stretch' }, { ...score(0.4, 1), id: 'other' }, { ...score(0.4, 1), id: 'crop' }]; // prettier-ignore
    const order = cropsFirst(rows, ({ id }) => (id === 'other' ? 'b' : 'a'), ({ id }) => id === 'crop'); // prettier-ignore
    expect(order.map(({ id }) => id)).toEqual(['crop', 'stretch', 'other']);
  });

  it('spreads the sample over the classes', () => {
    const classes = [...Array<number>(100).fill(0), 1, 1, ...Array<number>(50).fill(2)];
    const sample = spread(classes, 12);
    expect(sample).toHaveLength(12);
    expect([0, 1, 2].map((c) => sample.filter((i) => classes[i] === c).length)).toEqual([5, 2, 5]);
    expect(new Set(sample).size).toBe(12);
    expect(spread([0, 0, 1], 60)).toEqual([0, 1, 2]);
  });
});

describe('of Keras and TensorFlow.js', () => {
  const folder = path.resolve(import.meta.dirname, '../../golden/keras');
  /** Read as the program reads it: nothing in the file but the network itself. */
  const sources = async (name: string, file: string) => {
    const beside = (location: string) => new Uint8Array(readFileSync(path.join(folder, name, location)));
    const network = await openNetwork(await readModel(beside(file), { external: beside }));
    return findSources({ name: file, input: network.input, graph: network.graph, beside: [], catalogue: null });
  };

  it('Rescaling and Normalization layers are the network’s own: it takes 0 to 255', async () => {
    for (const [name, file] of [
      ['efficientnet-keras', 'model.keras'],
      ['efficientnetv2-keras', 'model.keras'],
      ['mobilenetv3-h5', 'model.h5'],
    ] as const) {
      const { presets, found } = await sources(name, file);
      expect(found[0]).toMatchObject({ source: 'model' });
      expect(found[0]!.reason).toContain('The model scales its input itself');
      const { preprocessing } = presets.find(({ id }) => id === found[0]!.preset)!;
      expect([preprocessing.scale, ...preprocessing.mean, ...preprocessing.std]).toEqual([1, 0, 0, 0, 1, 1, 1]);
    }
  });

  it('without such layers it is the habit of the framework that is proposed', async () => {
    for (const [name, file] of [
      ['mobilenetv2-keras', 'model.keras'],
      ['resnet50-tfjs', 'model.json'],
    ] as const)
      expect((await sources(name, file)).found.map(({ source }) => source)).toEqual(['habit']);
  });
});
