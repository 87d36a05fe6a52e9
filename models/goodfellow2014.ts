/**
 * The four pairs of networks of "Generative Adversarial Nets" (arXiv:1406.2661, section 5) as the authors trained
 * them: sizes, first weights, noise, dropout and hyperparameters of their own configuration files
 * (github.com/goodfeli/adversarial). Layer names follow this project, not theirs.
 */
import * as tf from '@tensorflow/tfjs-core';
import { expected } from '../src/core/errors.js';
import type { LatentDistribution } from '../src/core/types.js';
import { checkSizes } from './check-sizes.js';
import { convTranspose } from './convolutions.js';
import {
  activation,
  bias,
  dense,
  dropout,
  type Layer,
  type LayerOptions,
  reshape,
  sequential,
} from './layers.js';
import { maxout, maxoutConv, maxPool } from './maxout.js';
import type { BuildOptions, Gan, GanModel, Hyperparameters, Initial } from './types.js';

const uniform = (range: number): Initial => ({ kind: 'uniform', range });
const constant = (value: number): Initial => ({ kind: 'constant', value });

const relu = (name: string): Layer => activation(name, (x) => tf.relu(x));
const sigmoid = (name: string): Layer => activation(name, (x) => tf.sigmoid(x));

/** All their runs: momentum from 0.5 to 0.7 over 249 epochs, dropout's coins, no average of weights. */
const COMMON = {
  optimizer: 'momentum',
  beta1: 0.5,
  beta2: 0.999,
  learningRateDecay: 1.000004,
  loss: 'non-saturating',
  discriminatorSteps: 1,
  emaHalfLife: 0,
} as const satisfies Partial<Hyperparameters>;

/** Maxout, maxout, one sigmoid; dropout keeps 0.8 of the pixels and 0.5 of the units. */
function judge(pixels: number, units: number, options: LayerOptions = {}): Layer[] {
  const range = uniform(0.005);
  return [
    reshape('flatten', [pixels]),
    dropout('dropout_1', [pixels], 0.8),
    maxout('maxout_1', pixels, units, 5, range, options),
    dropout('dropout_2', [units], 0.5),
    maxout('maxout_2', units, units, 5, range, options),
    dropout('dropout_3', [units], 0.5),
    dense('logit', units, 1, range, options),
  ];
}

/** What every one of these builds from, once the options are checked. */
interface Sizes {
  readonly latentSize: number;
  readonly latentDistribution: LatentDistribution;
  readonly imageShape: readonly [number, number, number];
  readonly pixels: number;
  /** A layer's number of units at the width that was asked for. */
  scale(units: number): number;
}

interface Design {
  readonly name: string;
  /** Units of the widest layers, which `width` scales together with the others. */
  readonly width: number;
  readonly latentDistribution: LatentDistribution;
  readonly defaults: Pick<Hyperparameters, 'images' | 'batch' | 'learningRate'>;
  readonly imageShape?: readonly [number, number, number];
  build(sizes: Sizes): Gan;
}

function makeModel({ name, width, latentDistribution, defaults, imageShape: only, build }: Design): GanModel {
  return {
    name,
    paper: 'https://arxiv.org/abs/1406.2661',
    ...(only ? { sizes: [only[0]] } : {}),
    defaults: () => ({ ...COMMON, ...defaults }),
    build(options: BuildOptions) {
      const { imageShape, kind = 'images', latentSize = 100, width: wanted = width } = options;
      if (kind === 'points') throw expected(name, 'images', 'points', 'The model mlp learns points.');
      if (only && imageShape.join() !== only.join())
        throw expected(
          name,
          `images of ${only.join('×')}`,
          imageShape.join('×'),
          'Set --size and --channels.',
        );
      checkSizes(name, options);
      return build({
        latentSize,
        latentDistribution: options.latentDistribution ?? latentDistribution,
        imageShape,
        pixels: imageShape[0] * imageShape[1] * imageShape[2],
        scale: (units) => Math.max(1, Math.round((units * wanted) / width)),
      });
    },
  };
}

const mnist = makeModel({
  name: 'goodfellow2014-mnist',
  width: 1200,
  latentDistribution: 'uniform',
  defaults: { images: 20_000_000, batch: 100, learningRate: 0.1 },
  build({ latentSize, latentDistribution, imageShape, pixels, scale }) {
    const [range, width] = [uniform(0.05), scale(1200)];
    return {
      shape: { kind: 'images', latentSize, latentDistribution, imageShape, imageRange: [0, 1] },
      generator: sequential('generator', [
        dense('dense_1', latentSize, width, range),
        relu('relu_1'),
        dense('dense_2', width, width, range),
        relu('relu_2'),
        dense('pixels', width, pixels, range, { biasInitial: { kind: 'marginal' } }),
        sigmoid('sigmoid'),
        reshape('image', imageShape),
      ]),
      discriminator: sequential('discriminator', judge(pixels, scale(240))),
    };
  },
});

/** √3.75: the TFD runs keep the incoming weights of every unit within this norm. */
const TFD_NORM = 1.9365;

/** The layers that both stages of the TFD runs share, from what stands for z to the image. */
function paintFace(inputs: number, { pixels, imageShape, scale }: Sizes): Layer[] {
  const width = scale(8000);
  const limit = { maxColumnNorm: TFD_NORM };
  return [
    dense('dense_1', inputs, width, uniform(0.05), limit),
    relu('relu_1'),
    dense('dense_2', width, width, uniform(0.05), { ...limit, biasInitial: constant(-2) }),
    sigmoid('sigmoid_2'),
    dense(
      'pixels',
      width,
      pixels,
      { kind: 'sparse', perColumn: Math.min(100, width) },
      {
        ...limit,
        biasInitial: { kind: 'marginal' },
      },
    ),
    sigmoid('sigmoid'),
    reshape('image', imageShape),
  ];
}

function buildFaces(sizes: Sizes, generator: readonly Layer[]): Gan {
  const { latentSize, latentDistribution, imageShape, pixels, scale } = sizes;
  return {
    shape: { kind: 'images', latentSize, latentDistribution, imageShape, imageRange: [0, 1] },
    generator: sequential('generator', generator),
    discriminator: sequential('discriminator', judge(pixels, scale(1200), { maxColumnNorm: TFD_NORM })),
  };
}

const tfdPretrain = makeModel({
  name: 'goodfellow2014-tfd-pretrain',
  width: 8000,
  latentDistribution: 'normal',
  defaults: { images: 5_000_000, batch: 100, learningRate: 0.05 },
  build: (sizes) => buildFaces(sizes, paintFace(sizes.latentSize, sizes)),
});

const tfd = makeModel({
  name: 'goodfellow2014-tfd',
  width: 8000,
  latentDistribution: 'normal',
  defaults: { images: 2_200_000, batch: 100, learningRate: 0.05 },
  build(sizes) {
    const width = sizes.scale(8000);
    const limit = { maxColumnNorm: TFD_NORM };
    // The first stage's z is what these two layers make of theirs.
    return buildFaces(sizes, [
      dense('front_1', sizes.latentSize, width, uniform(0.05), limit),
      relu('front_relu_1'),
      dense('front_2', width, sizes.latentSize, uniform(0.05), { ...limit, biasInitial: constant(-2) }),
      sigmoid('front_sigmoid_2'),
      ...paintFace(sizes.latentSize, sizes),
    ]);
  },
});

/** Per image mean 0 and L2 norm 55; the deviation of 3072 such values is 0.99, and few lie outside of ±2.5. */
const CONTRAST = { contrastNorm: 55, imageRange: [-2.5, 2.5] } as const;

const cifarDense = makeModel({
  name: 'goodfellow2014-cifar10-fc',
  width: 8000,
  latentDistribution: 'normal',
  defaults: { images: 4_000_000, batch: 100, learningRate: 0.025 },
  build({ latentSize, latentDistribution, imageShape, pixels, scale }) {
    const width = scale(8000);
    const { contrastNorm, imageRange } = CONTRAST;
    return {
      shape: { kind: 'images', latentSize, latentDistribution, imageShape, imageRange },
      contrastNorm,
      generator: sequential('generator', [
        dense('dense_1', latentSize, width, uniform(0.05)),
        relu('relu_1'),
        dense('dense_2', width, width, uniform(0.05)),
        sigmoid('sigmoid_2'),
        dense('pixels', width, pixels, uniform(0.5)),
        reshape('image', imageShape),
      ]),
      discriminator: sequential('discriminator', judge(pixels, scale(1600))),
    };
  },
});

const cifarConvolutional = makeModel({
  name: 'goodfellow2014-cifar10-conv',
  width: 8000,
  latentDistribution: 'normal',
  defaults: { images: 4_000_000, batch: 128, learningRate: 0.004 },
  imageShape: [32, 32, 3],
  build({ latentSize, latentDistribution, imageShape, scale }) {
    const width = scale(8000);
    const { contrastNorm, imageRange } = CONTRAST;
    const range = uniform(0.005);
    return {
      shape: { kind: 'images', latentSize, latentDistribution, imageShape, imageRange },
      contrastNorm,
      generator: sequential('generator', [
        dense('dense_1', latentSize, width, uniform(0.05)),
        relu('relu_1'),
        dense('dense_2', width, 10 * 10 * 80, uniform(0.05)),
        sigmoid('sigmoid_2'),
        reshape('maps', [10, 10, 80]),
        convTranspose('image', 80, 3, 5, 3, uniform(0.05), { bias: false, pad: 0 }), // [B, 32, 32, 3]
        bias('offset', imageShape),
      ]),
      discriminator: sequential('discriminator', [
        dropout('dropout_1', imageShape, 0.8),
        maxoutConv('maxout_1', 3, 32, 2, 8, range, { pad: 4 }), // [B, 33, 33, 32]
        maxPool('pool_1', 4), // [B, 16, 16, 32]
        dropout('dropout_2', [16, 16, 32], 0.5),
        maxoutConv('maxout_2', 32, 32, 2, 8, range, { pad: 3 }), // [B, 15, 15, 32]
        maxPool('pool_2', 4), // [B, 7, 7, 32]
        dropout('dropout_3', [7, 7, 32], 0.5),
        maxoutConv('maxout_3', 32, 192, 2, 5, range, { pad: 3 }), // [B, 9, 9, 192]
        maxPool('pool_3', 2), // [B, 5, 5, 192]
        dropout('dropout_4', [5, 5, 192], 0.5),
        reshape('flatten', [5 * 5 * 192]),
        maxout('maxout_4', 5 * 5 * 192, 500, 5, range),
        dropout('dropout_5', [500], 0.5),
        dense('logit', 500, 1, range),
      ]),
    };
  },
});

/** In the paper's order: MNIST, TFD (in two stages), CIFAR-10 fully connected and convolutional. */
export const goodfellow2014: readonly GanModel[] = [mnist, tfdPretrain, tfd, cifarDense, cifarConvolutional];
