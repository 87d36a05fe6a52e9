/**
 * Fully connected networks that learn MNIST with what the field has found since 2014: batch normalisation in G
 * (arXiv:1502.03167), leaky ReLUs, Adam, a moving average of G's weights, and instance noise (arXiv:1610.04490).
 * Fakes get a little more noise than real images do: so G's images and a Gaussian of the difference together fit the
 * data, which is just what a Parzen window estimate takes them for (arXiv:1406.2661, section 5).
 */
import * as tf from '@tensorflow/tfjs-core';
import { expected } from '../src/core/errors.js';
import { checkSizes } from './check-sizes.js';
import { activation, batchNorm, dense, leakyRelu, reshape, sequential } from './layers.js';
import type { BuildOptions, Gan, GanModel, Initial } from './types.js';

const ONE: Initial = { kind: 'constant', value: 1 };
/** Glorot's uniform range, √(6 / (in + out)). */
const glorot = (inputs: number, outputs: number): Initial => ({
  kind: 'uniform',
  range: Math.sqrt(6 / (inputs + outputs)),
});
const LEAK = 0.2;

/** Deviation of the noise on real images, where pixels go from 0 to 1. */
const NOISE = 0.5;
/** What fakes get beside it: about the width of the window that the Parzen measure chooses for good samples, 0.167. */
const EXTRA_NOISE = 0.15;

function buildBest(options: BuildOptions): Gan {
  const { imageShape, latentSize = 32, latentDistribution = 'normal', width = 1200 } = options;
  const pixels = imageShape[0] * imageShape[1] * imageShape[2];
  const [wide, narrow] = [Math.ceil((width * 1024) / 1200), Math.ceil((width * 512) / 1200)];
  return {
    shape: { kind: 'images', latentSize, latentDistribution, imageShape, imageRange: [0, 1] },
    instanceNoise: { real: NOISE, fake: Math.hypot(NOISE, EXTRA_NOISE) },
    generator: sequential('generator', [
      dense('dense_1', latentSize, width, glorot(latentSize, width)),
      batchNorm('norm_1', width, ONE),
      activation('relu_1', (x) => tf.relu(x)),
      dense('dense_2', width, width, glorot(width, width)),
      batchNorm('norm_2', width, ONE),
      activation('relu_2', (x) => tf.relu(x)),
      dense('pixels', width, pixels, glorot(width, pixels)),
      activation('sigmoid', (x) => tf.sigmoid(x)),
      reshape('image', imageShape),
    ]),
    discriminator: sequential('discriminator', [
      reshape('flatten', [pixels]),
      dense('dense_1', pixels, wide, glorot(pixels, wide)),
      activation('leaky_1', (x) => leakyRelu(x, LEAK)),
      dense('dense_2', wide, narrow, glorot(wide, narrow)),
      activation('leaky_2', (x) => leakyRelu(x, LEAK)),
      dense('logit', narrow, 1, glorot(narrow, 1)),
    ]),
  };
}

export const bestMnist: GanModel = {
  name: 'best-mnist',
  paper: 'https://arxiv.org/abs/1610.04490',
  defaults: () => ({
    images: 4_000_000,
    batch: 100,
    optimizer: 'adam',
    learningRate: 2e-4,
    beta1: 0.5,
    beta2: 0.999,
    loss: 'non-saturating',
    discriminatorSteps: 1,
    emaHalfLife: 200_000,
  }),
  build(options) {
    const { kind = 'images' } = options;
    if (kind === 'points') throw expected('best-mnist', 'images', 'points', 'The model mlp learns points.');
    checkSizes('best-mnist', options);
    return buildBest(options);
  },
};
