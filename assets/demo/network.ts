import * as tf from '@tensorflow/tfjs-node';

/** The network: four stages of convolution, ReLU and max pool, the maximum over all places, one dense layer. */

export const inputSide = 64;
/** Filters of each stage, and the side of their kernels. */
export const stages = [
  { filters: 32, kernel: 5 },
  { filters: 64, kernel: 3 },
  { filters: 96, kernel: 3 },
  { filters: 128, kernel: 3 },
] as const;

/** Weight decay; what keeps the filters of the first stage smooth. */
const decay = 5e-4;

/**
 * For training there is a batch norm behind each convolution. It is folded into the convolution when the network is
 * exported, so that what the app opens is convolution, ReLU, max pool and nothing else.
 */
export function buildNetwork(classes: number, seed: number): tf.LayersModel {
  const regularizer = () => tf.regularizers.l2({ l2: decay });
  const input = tf.input({ shape: [inputSide, inputSide, 3] });
  let x: tf.SymbolicTensor = input;
  stages.forEach(({ filters, kernel }, index) => {
    const conv = tf.layers.conv2d({
      name: `conv${index + 1}`,
      filters,
      kernelSize: kernel,
      padding: 'same',
      useBias: false,
      kernelInitializer: tf.initializers.heNormal({ seed: seed + index }),
      kernelRegularizer: regularizer(),
    });
    x = conv.apply(x) as tf.SymbolicTensor;
    x = tf.layers.batchNormalization({ name: `norm${index + 1}`, momentum: 0.95 }).apply(x) as tf.SymbolicTensor;
    x = tf.layers.reLU().apply(x) as tf.SymbolicTensor;
    x = tf.layers.maxPooling2d({ poolSize: 2, strides: 2 }).apply(x) as tf.SymbolicTensor;
  });
  // A unit counts where it is strongest, as in its top nine.
  x = tf.layers.globalMaxPooling2d({}).apply(x) as tf.SymbolicTensor;
  x = tf.layers.dropout({ rate: 0.2, seed }).apply(x) as tf.SymbolicTensor;
  const dense = tf.layers.dense({
    name: 'classes',
    units: classes,
    kernelInitializer: tf.initializers.glorotNormal({ seed: seed + 10 }),
    kernelRegularizer: regularizer(),
  });
  return tf.model({ inputs: input, outputs: dense.apply(x) as tf.SymbolicTensor });
}

/** Weights as the app takes them: batch norms folded, filters as [out, in, height, width], dense as [classes, features]. */
export interface Weights {
  convolutions: { filters: Float32Array; shape: [number, number, number, number]; bias: Float32Array }[];
  dense: { weights: Float32Array; shape: [number, number]; bias: Float32Array };
}

export function foldedWeights(model: tf.LayersModel): Weights {
  const epsilon = 1e-3; // of tf.layers.batchNormalization
  const convolutions = stages.map((_, index) => {
    const [kernel] = model.getLayer(`conv${index + 1}`).getWeights();
    const [gamma, beta, mean, variance] = model.getLayer(`norm${index + 1}`).getWeights().map((w) => w.dataSync());
    const [height, width, inputs, outputs] = kernel.shape as [number, number, number, number];
    const source = kernel.dataSync();
    const filters = new Float32Array(source.length);
    const bias = new Float32Array(outputs);
    for (let o = 0; o < outputs; o++) {
      const scale = gamma[o] / Math.sqrt(variance[o] + epsilon);
      bias[o] = beta[o] - mean[o] * scale;
      for (let i = 0; i < inputs; i++)
        for (let y = 0; y < height; y++)
          for (let x = 0; x < width; x++)
            filters[((o * inputs + i) * height + y) * width + x] = source[((y * width + x) * inputs + i) * outputs + o] * scale;
    }
    return { filters, shape: [outputs, inputs, height, width] as [number, number, number, number], bias };
  });
  const [kernel, bias] = model.getLayer('classes').getWeights();
  const [features, classes] = kernel.shape as [number, number];
  const transposed = tf.tidy(() => kernel.transpose().dataSync()) as Float32Array;
  return { convolutions, dense: { weights: transposed, shape: [classes, features], bias: bias.dataSync() as Float32Array } };
}
