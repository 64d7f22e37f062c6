import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs-node';
import { classNames, readEmoji, testStyle, trainStyles, type Emoji, type Style } from './data.ts';
import { drawScene, listDrawings, randomScene, rasterise, type Drawing, type Raster } from './draw.ts';
import { exportOnnx } from './export.ts';
import { buildNetwork, foldedWeights, inputSide } from './network.ts';
import { Random } from './random.ts';

/** Trains the demo network. Every run draws the same pictures and starts from the same weights. */

const seed = 2013;
const epochs = Number(process.env.EPOCHS ?? 40);
const picturesPerEpoch = Number(process.env.PICTURES ?? 4736);
const batchSize = 64;
const peakRate = 0.05;
const warmUpEpochs = 1;
const kept = [1, 2, 5, 10, 20];
const out = path.resolve(import.meta.dirname, process.env.OUT ?? '../demo-study');

const rasterSide = 128;

async function rasteriseAll(drawings: readonly Drawing[]): Promise<(drawing: Drawing) => Raster> {
  const rasters = new Map<string, Raster>();
  const key = ({ emoji, style }: Drawing): string => `${style}/${emoji.code}`;
  const together = 4;
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < drawings.length) {
      const drawing = drawings[next++];
      rasters.set(key(drawing), await rasterise(drawing.emoji.drawings.get(drawing.style)!, rasterSide));
    }
  };
  await Promise.all(Array.from({ length: together }, work));
  return (drawing) => rasters.get(key(drawing))!;
}

interface Set {
  byClass: Drawing[][];
  /** Classes as often as the square root of their size: flags do not drown hearts. */
  cumulative: number[];
}

function setOf(emoji: readonly Emoji[], styles: readonly Style[]): Set {
  const all = listDrawings(emoji, styles);
  const byClass = classNames.map((_, index) => all.filter((drawing) => drawing.emoji.classIndex === index));
  let total = 0;
  const cumulative = byClass.map((members) => (total += Math.sqrt(members.length)));
  return { byClass, cumulative: cumulative.map((value) => value / total) };
}

function drawBatch(set: Set, random: Random, count: number, rasterOf: (drawing: Drawing) => Raster): { x: tf.Tensor4D; y: tf.Tensor1D } {
  const length = inputSide * inputSide * 3;
  const pixels = new Float32Array(count * length);
  const labels = new Int32Array(count);
  for (let i = 0; i < count; i++) {
    const at = random.next();
    const classIndex = set.cumulative.findIndex((share) => at < share);
    labels[i] = classIndex;
    drawScene(randomScene(random, classIndex, set.byClass[classIndex]), inputSide, rasterOf, pixels, i * length);
  }
  return { x: tf.tensor4d(pixels, [count, inputSide, inputSide, 3]), y: tf.tensor1d(labels, 'int32') };
}

/** Share of right answers over freshly drawn pictures of a set. */
function accuracy(model: tf.LayersModel, set: Set, rasterOf: (drawing: Drawing) => Raster, salt: number): number {
  const random = new Random(seed, salt);
  let right = 0;
  const [batches, size] = [20, 100];
  for (let i = 0; i < batches; i++) {
    const { x, y } = drawBatch(set, random, size, rasterOf);
    right += tf.tidy(() => (model.predict(x) as tf.Tensor).argMax(1).equal(y).sum().dataSync()[0]);
    tf.dispose([x, y]);
  }
  return right / (batches * size);
}

const emoji = readEmoji(seed);
const train = setOf(emoji.filter((each) => !each.heldOut), trainStyles);
const newEmoji = setOf(emoji.filter((each) => each.heldOut), trainStyles);
const newStyle = setOf(emoji, [testStyle]);
const started = Date.now();
const rasterOf = await rasteriseAll([...train.byClass, ...newEmoji.byClass, ...newStyle.byClass].flat());
const drawn = train.byClass.flat().length;
console.log(`${emoji.length} emoji, ${drawn} drawings to train on, ${classNames.length} classes; rasterised in ${((Date.now() - started) / 1000).toFixed(0)} s`);

const model = buildNetwork(classNames.length, seed);
const optimizer = tf.train.momentum(peakRate, 0.9, true);
model.compile({
  optimizer,
  loss: (truth, logits) => tf.losses.softmaxCrossEntropy(truth, logits),
});
console.log(`${model.countParams()} parameters`);

mkdirSync(path.join(out, 'checkpoints'), { recursive: true });
const log: { epoch: number; loss: number; seconds: number; heldOutEmoji?: number; heldOutStyle?: number }[] = [];
const steps = Math.floor(picturesPerEpoch / batchSize);
const random = new Random(seed, 1);
for (let epoch = 1; epoch <= epochs; epoch++) {
  const begin = Date.now();
  let loss = 0;
  for (let step = 0; step < steps; step++) {
    const done = epoch - 1 + step / steps;
    const rate = done < warmUpEpochs ? (done + 0.05) / warmUpEpochs : 0.5 * (1 + Math.cos((Math.PI * (done - warmUpEpochs)) / (epochs - warmUpEpochs)));
    // tfjs has no schedules: the optimizer's rate is a field of it.
    (optimizer as unknown as { setLearningRate(rate: number): void }).setLearningRate(peakRate * rate + 1e-5);
    const { x, y } = drawBatch(train, random, batchSize, rasterOf);
    const oneHot = tf.tidy(() => tf.oneHot(y, classNames.length).toFloat());
    loss += (await model.trainOnBatch(x, oneHot)) as number;
    tf.dispose([x, y, oneHot]);
  }
  const entry: (typeof log)[number] = { epoch, loss: loss / steps, seconds: (Date.now() - begin) / 1000 };
  if (kept.includes(epoch) || epoch % 10 === 0 || epoch === epochs) {
    entry.heldOutEmoji = accuracy(model, newEmoji, rasterOf, 2);
    entry.heldOutStyle = accuracy(model, newStyle, rasterOf, 3);
  }
  log.push(entry);
  console.log(JSON.stringify(entry));
  if (kept.includes(epoch)) exportOnnx(foldedWeights(model), path.join(out, 'checkpoints', `epoch-${String(epoch).padStart(2, '0')}.onnx`), 'float16');
  if (epoch % 10 === 0) exportOnnx(foldedWeights(model), path.join(out, 'model.onnx'));
}
const weights = foldedWeights(model);
exportOnnx(weights, path.join(out, 'checkpoints', 'last.onnx'), 'float16');
exportOnnx(weights, path.join(out, 'model.onnx'));
writeFileSync(path.join(out, 'labels.txt'), `${classNames.join('\n')}\n`);
const report = {
  seed,
  epochs,
  picturesPerEpoch,
  batchSize,
  emoji: emoji.length,
  drawings: drawn,
  trainStyles,
  testStyle,
  preprocessing: 'RGB / 255, stretched to 64 x 64',
  accuracy: {
    trainedEmojiNewPictures: accuracy(model, train, rasterOf, 4),
    heldOutEmoji: accuracy(model, newEmoji, rasterOf, 5),
    heldOutStyle: accuracy(model, newStyle, rasterOf, 6),
  },
  minutes: +((Date.now() - started) / 60000).toFixed(1),
  tensorflow: tf.version_core,
  log,
};
writeFileSync(path.join(out, 'training.json'), `${JSON.stringify(report, null, 1)}\n`);
console.log(report.accuracy);
