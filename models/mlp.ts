/**
 * Fully connected networks as in "Generative Adversarial Nets" (arXiv:1406.2661, section 5): ReLU layers and a
 * sigmoid at the end of G, maxout and dropout in D. For points (toy distributions) G ends linear and D is small.
 */
import * as tf from '@tensorflow/tfjs-core';
import { expected } from '../src/core/errors.js';
import { checkSizes } from './check-sizes.js';
import { activation, dense, dropout, type Layer, reshape, sequential } from './layers.js';
import { maxout } from './maxout.js';
import type { BuildOptions, Gan, GanModel, Initial } from './types.js';

/** Glorot's uniform range, √(6 / (in + out)). */
function glorot(inputs: number, outputs: number): Initial {
  return { kind: 'uniform', range: Math.sqrt(6 / (inputs + outputs)) };
}

const relu = (name: string): Layer => activation(name, (x) => tf.relu(x));

/** Hidden layers of ReLU units. */
function hidden(inputs: number, widths: readonly number[]): Layer[] {
  return widths.flatMap((width, i) => [
    dense(`dense_${i + 1}`, widths[i - 1] ?? inputs, width, glorot(widths[i - 1] ?? inputs, width)),
    relu(`relu_${i + 1}`),
  ]);
}

/** MNIST's sizes in the paper: G 1200-1200, D maxout 240×5 twice, dropout 0.8 on pixels and 0.5 on units. */
function buildForImages(options: BuildOptions): Gan {
  const { imageShape, latentSize = 100, latentDistribution = 'uniform', width = 1200 } = options;
  const pixels = imageShape[0] * imageShape[1] * imageShape[2];
  const units = Math.max(1, Math.round(width / 5));
  const pieces = 5;
  return {
    shape: { kind: 'images', latentSize, latentDistribution, imageShape, imageRange: [0, 1] },
    generator: sequential('generator', [
      ...hidden(latentSize, [width, width]),
      dense('pixels', width, pixels, glorot(width, pixels)),
      activation('sigmoid', (x) => tf.sigmoid(x)),
      reshape('image', imageShape),
    ]),
    discriminator: sequential('discriminator', [
      reshape('flatten', [pixels]),
      dropout('dropout_1', [pixels], 0.8),
      maxout('maxout_1', pixels, units, pieces, glorot(pixels, units)),
      dropout('dropout_2', [units], 0.5),
      maxout('maxout_2', units, units, pieces, glorot(units, units)),
      dropout('dropout_3', [units], 0.5),
      dense('logit', units, 1, glorot(units, 1)),
    ]),
  };
}

function buildForPoints(options: BuildOptions): Gan {
  const { imageShape, width = 128 } = options;
  const dimensions = imageShape[2];
  const {
    latentSize = dimensions === 1 ? 1 : 8,
    latentDistribution = dimensions === 1 ? 'uniform' : 'normal',
  } = options;
  return {
    shape: { kind: 'points', latentSize, latentDistribution, imageShape, imageRange: [-1, 1] },
    generator: sequential('generator', [
      ...hidden(latentSize, [width, width]),
      dense('point', width, dimensions, glorot(width, dimensions)),
      reshape('image', imageShape),
    ]),
    discriminator: sequential('discriminator', [
      reshape('flatten', [dimensions]),
      ...hidden(dimensions, [width, width]),
      dense('logit', width, 1, glorot(width, 1)),
    ]),
  };
}

export const mlp: GanModel = {
  name: 'mlp',
  paper: 'https://arxiv.org/abs/1406.2661',
  defaults: ({ kind }) => ({
    images: kind === 'points' ? 3_000_000 : 2_000_000,
    batch: kind === 'points' ? 256 : 100,
    optimizer: 'adam',
    learningRate: 2e-4,
    beta1: 0.5,
    beta2: 0.999,
    loss: 'non-saturating',
    discriminatorSteps: 1,
    emaHalfLife: kind === 'points' ? 50_000 : 10_000,
  }),
  build(options) {
    const { imageShape } = options;
    checkSizes('mlp', options);
    const kind = options.kind ?? 'images';
    if (kind === 'points' && (imageShape[0] !== 1 || imageShape[1] !== 1)) {
      throw expected('mlp', 'points of shape [1, 1, D]', imageShape);
    }
    return kind === 'points' ? buildForPoints(options) : buildForImages(options);
  },
};
