/**
 * What a GAN model is: two networks as pure functions of weights, input and noise.
 * Nothing random happens in a network; coins for dropout come in with the call.
 */
import type { Tensor } from '@tensorflow/tfjs-core';
import type { GeneratorShape, LatentDistribution } from '../src/core/types.js';

/** How a weight begins. */
export type Initial =
  | { readonly kind: 'normal'; readonly mean: number; readonly deviation: number }
  | { readonly kind: 'uniform'; readonly range: number }
  | { readonly kind: 'constant'; readonly value: number }
  /** In each column of [in, out] so many weights of N(0, 1) at random places, 0 elsewhere. */
  | { readonly kind: 'sparse'; readonly perColumn: number }
  /** For the bias of a sigmoid output: logit(m), m the mean of each pixel over the real images, kept off 0 and 1. */
  | { readonly kind: 'marginal' };

/** One weight of a network, named `layer/weight`. Weights that no gradient moves are moving averages. */
export interface WeightSpec {
  readonly name: string;
  readonly shape: readonly number[];
  readonly initial: Initial;
  readonly trainable: boolean;
  /** After every update the incoming weights of each unit (all axes but the last) are scaled down to this norm. */
  readonly maxColumnNorm?: number;
}

/** Coins that a network needs in training: one per element of `shape` and example, 1 with probability `keep`. */
export interface CoinSpec {
  readonly name: string;
  readonly shape: readonly number[];
  readonly keep: number;
}

/** Everything that one evaluation of a network may read, and where it leaves new moving averages. */
export interface Call {
  readonly training: boolean;
  /** By the names of the network's {@link WeightSpec}s. */
  readonly weights: Readonly<Record<string, Tensor>>;
  /** By the names of the network's {@link CoinSpec}s, [B, ...shape] of type bool; only in training. */
  readonly coins: Readonly<Record<string, Tensor>>;
  /** Receives new values of weights that are not trainable; only in training. */
  readonly updates: Record<string, Tensor>;
  /** Told each layer's full name and output, for whoever compares layer by layer. */
  readonly observe?: (layer: string, output: Tensor) => void;
}

/** A network: its weights, the coins it tosses, and the function itself. */
export interface Network {
  readonly name: 'generator' | 'discriminator';
  readonly weights: readonly WeightSpec[];
  readonly coins: readonly CoinSpec[];
  /** Whether an example's output depends on the others of its batch, as batch normalisation makes it. */
  readonly acrossBatch: boolean;
  /** Generator: latents [B, L] -> images [B, H, W, C]. Discriminator: images -> logits [B, 1]. */
  apply(input: Tensor, call: Call): Tensor;
}

/** A built model: shapes fixed, no weights yet. */
export interface Gan {
  readonly shape: GeneratorShape;
  readonly generator: Network;
  readonly discriminator: Network;
  /**
   * Real images come to the networks contrast-normalised: each less its own mean, scaled to this L2 norm.
   * When absent, bytes are mapped to the shape's `imageRange`.
   */
  readonly contrastNorm?: number;
  /**
   * Noise that D's images get in training, as deviations in units of the images (arXiv:1610.04490, section 3.2). More
   * on fakes than on real images teaches G the data without the blur that makes up the difference.
   */
  readonly instanceNoise?: { readonly real: number; readonly fake: number };
}

/** What every model's `build` understands; a model may read more, and refuses what it does not know. */
export interface BuildOptions {
  readonly imageShape: readonly [number, number, number];
  readonly kind?: 'images' | 'points' | undefined;
  readonly latentSize?: number | undefined;
  readonly latentDistribution?: LatentDistribution | undefined;
  /** Base number of units or channels; the model's own when absent. */
  readonly width?: number | undefined;
}

/** Hyperparameters that make a model train well without any flag. */
export interface Hyperparameters {
  /** Real images shown in a whole training. */
  readonly images: number;
  readonly batch: number;
  readonly optimizer: 'adam' | 'momentum';
  readonly learningRate: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly loss: 'non-saturating' | 'minimax';
  /** Discriminator updates for one of the generator: k of Algorithm 1. */
  readonly discriminatorSteps: number;
  /** Images after which a weight's share in the moving average has halved; 0 for no averaging. */
  readonly emaHalfLife: number;
  /** D before G, each at fresh noise (Algorithm 1), or both at once from the old weights; `alternating` when absent. */
  readonly update?: 'alternating' | 'simultaneous';
  /** What the learning rate is divided by after every step; 1 when absent. */
  readonly learningRateDecay?: number;
}

/** A model by name. */
export interface GanModel {
  readonly name: string;
  /** URL of the paper it comes from. */
  readonly paper: string;
  /** Sizes of images that it can be built for, in pixels; any size when absent. */
  readonly sizes?: readonly number[];
  readonly defaults: (options: BuildOptions) => Hyperparameters;
  /** @throws GanError `BAD_ARGUMENT` for a shape that the model cannot make */
  build(options: BuildOptions): Gan;
}
