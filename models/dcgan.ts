/**
 * DCGAN (arXiv:1511.06434): convolutions all the way, BatchNorm, ReLU in G, leaky ReLU in D, tanh at the end.
 * G doubles the size from 4×4 (or 7×7 for 28, 56 and 112 pixels), halving the channels; D is its mirror image.
 */
import * as tf from '@tensorflow/tfjs-core';
import { expected } from '../src/core/errors.js';
import { checkSizes } from './check-sizes.js';
import { conv, convTranspose } from './convolutions.js';
import { activation, batchNorm, dense, type Layer, leakyRelu, reshape, sequential } from './layers.js';
import type { BuildOptions, Gan, GanModel, Initial } from './types.js';

/** Section 4: weights from N(0, 0.02), slope of the leak 0.2. */
const WEIGHT: Initial = { kind: 'normal', mean: 0, deviation: 0.02 };
const GAMMA: Initial = { kind: 'normal', mean: 1, deviation: 0.02 };
const LEAK = 0.2;
/** Even kernels of 4 with stride 2 cover each pixel equally often, so no checkerboard (distill.pub/2016/deconv-checkerboard). */
const KERNEL = 4;

const SIZES = [28, 32, 56, 64, 112, 128] as const;

/** Number of doublings and the smallest map's size: 64 = 4·2⁴, 28 = 7·2². */
function planDoublings(size: number): { base: number; doublings: number } {
  const base = size % 7 === 0 ? 7 : 4;
  return { base, doublings: Math.log2(size / base) };
}

function buildDcgan(options: BuildOptions): Gan {
  const { imageShape, latentSize = 100, latentDistribution = 'normal', width = 64 } = options;
  const [size, , channels] = imageShape;
  const { base, doublings } = planDoublings(size);
  const widths = Array.from({ length: doublings }, (_, level) => width * 2 ** level); // D's order: narrow to wide
  const widest = widths.at(-1)!;

  const generator: Layer[] = [
    dense('project', latentSize, base * base * widest, WEIGHT, { bias: false }),
    reshape('reshape', [base, base, widest]), // [B, 4, 4, 512] for 64 pixels
    batchNorm('norm_0', widest, GAMMA),
    activation('relu_0', (x) => tf.relu(x)),
  ];
  for (let level = 1; level < doublings; level++) {
    const [from, to] = [widths[doublings - level]!, widths[doublings - level - 1]!];
    generator.push(
      convTranspose(`deconv_${level}`, from, to, KERNEL, 2, WEIGHT, { bias: false }),
      batchNorm(`norm_${level}`, to, GAMMA),
      activation(`relu_${level}`, (x) => tf.relu(x)),
    );
  }
  generator.push(
    convTranspose('image', widths[0]!, channels, KERNEL, 2, WEIGHT),
    activation('tanh', (x) => tf.tanh(x)),
  );

  const discriminator: Layer[] = widths.flatMap((to, level) => [
    conv(`conv_${level + 1}`, widths[level - 1] ?? channels, to, KERNEL, 2, WEIGHT, { bias: level === 0 }),
    ...(level > 0 ? [batchNorm(`norm_${level + 1}`, to, GAMMA)] : []),
    activation(`leaky_${level + 1}`, (x) => leakyRelu(x, LEAK)),
  ]);
  const features = base * base * widest;
  discriminator.push(reshape('flatten', [features]), dense('logit', features, 1, WEIGHT));

  return {
    shape: { kind: 'images', latentSize, latentDistribution, imageShape, imageRange: [-1, 1] },
    generator: sequential('generator', generator),
    discriminator: sequential('discriminator', discriminator),
  };
}

export const dcgan: GanModel = {
  name: 'dcgan',
  paper: 'https://arxiv.org/abs/1511.06434',
  sizes: SIZES,
  defaults: () => ({
    images: 500_000,
    batch: 64,
    optimizer: 'adam',
    learningRate: 2e-4,
    beta1: 0.5,
    beta2: 0.999,
    loss: 'non-saturating',
    discriminatorSteps: 1,
    emaHalfLife: 10_000,
  }),
  build(options) {
    const { imageShape, kind = 'images' } = options;
    const [height, columns, channels] = imageShape;
    if (kind === 'points') throw expected('dcgan', 'images', 'points', 'The model mlp learns points.');
    if (height !== columns || !(SIZES as readonly number[]).includes(height)) {
      throw expected(
        'dcgan',
        `square images of ${SIZES.join(', ')} pixels`,
        `${height}×${columns}`,
        'Set --size.',
      );
    }
    if (channels !== 1 && channels !== 3) throw expected('dcgan', '1 or 3 channels', channels);
    checkSizes('dcgan', options);
    return buildDcgan(options);
  },
};
