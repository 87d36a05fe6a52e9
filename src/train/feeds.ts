/**
 * Everything that one step is fed: real images, noise, and the numbers that change in the course of training.
 * All of it follows from the options and the step's number, so that resuming needs no other state.
 */
import type { Gan } from '../../models/types.js';
import { type PlainTensor, plainTensor, type TensorMap } from '../core/tensor.js';
import type { Dataset } from '../core/types.js';
import { batchIndices } from '../data/index.js';
import { drawNoise } from './noise.js';
import { makeOptimizer, type TrainOptions } from './options.js';
import { toNetworkRange } from './reals.js';
import { averageDecay, momentumAt, rateAt } from './schedules.js';
import type { Step } from './step.js';

/** Learning rates, momentum and the weight average's decay of a step. */
function drawNumbers(options: TrainOptions, steps: number, imagesSeen: number, epoch: number): TensorMap {
  const optimizer = makeOptimizer(options);
  const learningRate = rateAt(options.learningRate, steps);
  const number = (value: number): PlainTensor => plainTensor(Float32Array.of(value), []);
  const numbers: TensorMap = {
    'rate/generator': number(optimizer.rate(learningRate, steps + 1)),
    momentum: number(momentumAt(options.momentum, epoch)),
    averageDecay: number(averageDecay(options.emaHalfLife, options.emaRamp, options.batch, imagesSeen)),
  };
  for (let i = 1; i <= options.discriminatorSteps; i++) {
    const update = steps * options.discriminatorSteps + i;
    numbers[`rate/discriminator_${i}`] = number(optimizer.rate(learningRate, update));
  }
  return numbers;
}

/**
 * The inputs of step number `steps`, counted from 0, by name.
 *
 * @throws whatever the data set throws when it cannot be read
 */
export async function makeFeeds(
  gan: Gan,
  step: Step,
  options: TrainOptions,
  data: Dataset,
  steps: number,
): Promise<TensorMap> {
  const { batch, discriminatorSteps, seed } = options;
  const imagesSeen = steps * batch * discriminatorSteps;
  const feeds: TensorMap = {
    ...drawNoise(step.inputs, gan.shape, seed, steps),
    ...drawNumbers(options, steps, imagesSeen, Math.floor(imagesSeen / data.count)),
  };
  for (let i = 1; i <= discriminatorSteps; i++) {
    const name = `reals/${i}`;
    const start = imagesSeen + (i - 1) * batch;
    const indices = batchIndices(seed, data.count, start, batch);
    feeds[name] = { ...toNetworkRange(gan, await data.read(indices)), shape: step.inputs[name]!.shape };
  }
  return feeds;
}
