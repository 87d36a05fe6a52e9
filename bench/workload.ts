/**
 * What the benchmarks train and draw from: real networks at full size on the built-in digits, with the feeds that a
 * training run would make. It knows no engine and no clock.
 */
import { findModel } from '../models/index.js';
import type { BuildOptions, Gan } from '../models/types.js';
import type { TensorMap } from '../src/core/tensor.js';
import type { Dataset } from '../src/core/types.js';
import { openData } from '../src/data/index.js';
import type { State } from '../src/train/engines/engine.js';
import { makeFeeds } from '../src/train/feeds.js';
import { initialState } from '../src/train/initial-state.js';
import { makeOptimizer, planTraining } from '../src/train/options.js';
import { makeStep, type Step } from '../src/train/step.js';

/** A network, its batch, and how to say so in a table. */
export interface Subject {
  readonly title: string;
  readonly model: string;
  readonly build: BuildOptions & { readonly width: number };
  readonly batch: number;
}

/** A subject made ready to train. */
export interface Workload {
  readonly subject: Subject;
  readonly gan: Gan;
  readonly step: Step;
  readonly begin: State;
  /** Images after which a weight's share in the moving average has halved. */
  readonly emaHalfLife: number;
  /** Every input of step number `index`, made anew as in a training run. */
  makeFeeds(index: number): Promise<TensorMap>;
  /** All real images as they lie in memory: uint8 [images, H, W, C]. */
  readImages(): Promise<Uint8Array>;
  close(): Promise<void>;
}

const SEED = 1;
const IMAGES = 4096;

/** The sizes of arXiv:1406.2661 for MNIST. */
export const MLP: Subject = {
  title: 'MLP, G 100-1200-1200-784, D maxout 240x5 twice, batch 100',
  model: 'mlp',
  build: { imageShape: [28, 28, 1], width: 1200 },
  batch: 100,
};

/** A DCGAN of some width; 28 x 28 pixels in grey unless asked for otherwise. */
export function dcganOf(
  width: number,
  batch = 64,
  imageShape: BuildOptions['imageShape'] = [28, 28, 1],
): Subject {
  const [size, , channels] = imageShape;
  return {
    title: `DCGAN ${size}x${size}${channels === 3 ? ' RGB' : ''}, width ${width}, batch ${batch}`,
    model: 'dcgan',
    build: { imageShape, width },
    batch,
  };
}

/** What the training benchmark trains, by the name that `--only` takes. */
export const TRAIN_SUBJECTS: Readonly<Record<string, Subject>> = {
  mlp: MLP,
  dcgan28: dcganOf(64),
  dcgan64: dcganOf(64, 32, [64, 64, 3]),
};

/** Opens the data, builds the networks and draws the first weights. In RGB the digits have the same grey three times. */
export async function prepareWorkload(subject: Subject): Promise<Workload> {
  const { model, build, batch } = subject;
  const [size, , channels] = build.imageShape;
  const gan = findModel(model).build(build);
  const data: Dataset = await openData('digits', { size, channels: channels === 3 ? 3 : 1, count: IMAGES });
  const options = planTraining(
    { model, width: build.width, batch, seed: SEED, data: { source: 'digits' } },
    data,
  );
  const step = makeStep(gan, { ...options, optimizer: makeOptimizer(options) });
  return {
    subject,
    gan,
    step,
    begin: initialState(step, SEED) as State,
    emaHalfLife: options.emaHalfLife,
    makeFeeds: (index) => makeFeeds(gan, step, options, data, index),
    readImages: async () =>
      (await data.read(Uint32Array.from({ length: data.count }, (_, i) => i))).data as Uint8Array,
    close: () => data.close(),
  };
}
