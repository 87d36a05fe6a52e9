/**
 * What the benchmarks train and draw from: real networks at full size on the built-in digits, with the feeds that a
 * training run would make. It knows no engine and no clock.
 */
import { findModel } from '../models/index.js';
import type { BuildOptions, Gan, GanModel } from '../models/types.js';
import { plainTensor, type TensorMap } from '../src/core/tensor.js';
import type { Dataset } from '../src/core/types.js';
import { batchIndices, openData } from '../src/data/index.js';
import type { State } from '../src/train/engines/engine.js';
import { drawNoise, initialState } from '../src/train/noise.js';
import { adam } from '../src/train/optimizers.js';
import { makeStep, type Step } from '../src/train/step.js';

/** A network, its batch, and how to say so in a table. */
export interface Subject {
  readonly title: string;
  readonly model: string;
  readonly build: BuildOptions;
  readonly batch: number;
}

/** A subject made ready to train. */
export interface Workload {
  readonly subject: Subject;
  readonly gan: Gan;
  readonly step: Step;
  readonly begin: State;
  /** Every input of step number `index`, made anew as in a training run. */
  makeFeeds(index: number): Promise<TensorMap>;
  close(): Promise<void>;
}

const SEED = 1;
const IMAGES = 4096;

/** The sizes of arXiv:1406.2661 for MNIST. */
export const MLP: Subject = {
  title: 'MLP, G 100-1200-1200-784, D maxout 240x5 twice, batch 100',
  model: 'mlp',
  build: { imageShape: [28, 28, 1] },
  batch: 100,
};

/** A DCGAN for 28 x 28 pixels. */
export function dcganOf(width: number, batch = 64): Subject {
  return {
    title: `DCGAN 28x28, width ${width}, batch ${batch}`,
    model: 'dcgan',
    build: { imageShape: [28, 28, 1], width },
    batch,
  };
}

/** Opens the data, builds the networks and draws the first weights. */
export async function prepareWorkload(subject: Subject): Promise<Workload> {
  const model: GanModel = findModel(subject.model);
  const gan = model.build(subject.build);
  const { beta1, beta2, loss, learningRate } = model.defaults(subject.build);
  const optimizer = adam(beta1, beta2);
  const step = makeStep(gan, { batch: subject.batch, loss, discriminatorSteps: 1, optimizer });
  const data: Dataset = await openData('digits', { size: subject.build.imageShape[0], count: IMAGES });
  const [low, high] = gan.shape.imageRange;
  const scale = (high - low) / 255;
  const number = (value: number) => plainTensor(Float32Array.of(value), []);
  return {
    subject,
    gan,
    step,
    begin: initialState(step, SEED) as State,
    async makeFeeds(index) {
      const start = index * subject.batch;
      const reals = await data.read(batchIndices(SEED, data.count, start, subject.batch));
      const floats = new Float32Array(reals.data.length);
      for (let i = 0; i < floats.length; i++) floats[i] = low + reals.data[i]! * scale;
      const rate = number(optimizer.rate(learningRate, index + 1));
      return {
        ...drawNoise(step.inputs, gan.shape, SEED, index),
        'reals/1': plainTensor(floats, step.inputs['reals/1']!.shape),
        'rate/discriminator_1': rate,
        'rate/generator': rate,
        momentum: number(0.5),
        averageDecay: number(0.99),
      };
    },
    close: () => data.close(),
  };
}
