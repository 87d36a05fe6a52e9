/**
 * The parts of a training step against what they say they are: Adam against its paper's formulas in double precision,
 * the leaky ReLU's derivatives against differences, one call on two batches against two calls.
 */
import * as tf from '@tensorflow/tfjs-core';
import '#gradients';
import { beforeAll, describe, expect, it } from 'vitest';
import { findModel } from '../models/index.js';
import { leakyRelu } from '../models/layers.js';
import type { Gan } from '../models/types.js';
import type { TensorMap } from '../src/core/tensor.js';
import { initialState } from '../src/train/initial-state.js';
import { drawNoise } from '../src/train/noise.js';
import { adam } from '../src/train/optimizers.js';
import { makeStep } from '../src/train/step.js';
import { randomTensor } from './support/run-traced.js';

beforeAll(async () => {
  tf.enableProdMode();
  await tf.setBackend('cpu');
});

const values = (tensor: tf.Tensor): number[] => [...tensor.dataSync()];

describe('Adam', () => {
  it('moves a weight as algorithm 1 of arXiv:1412.6980 does', () => {
    const [learningRate, beta1, beta2, epsilon] = [0.01, 0.5, 0.999, 1e-7];
    const optimizer = adam(beta1, beta2, epsilon);
    const gradients = [1, 2, 3, 4].map((i) => randomTensor(`gradient ${i}`, [6]));
    let weight: tf.Tensor = tf.zeros([6]);
    let slots: Record<string, tf.Tensor> = Object.fromEntries(
      optimizer.slots.map((slot) => [slot, tf.zeros([6])]),
    );
    const exact = Array.from({ length: 6 }, () => ({ weight: 0, m: 0, v: 0 }));
    gradients.forEach(({ data }, i) => {
      const t = i + 1;
      const rate = tf.scalar(optimizer.rate(learningRate, t));
      const next = optimizer.apply(weight, tf.tensor(data), slots, { rate, momentum: tf.scalar(0) });
      ({ weight, slots } = next);
      exact.forEach((own, j) => {
        own.m = beta1 * own.m + (1 - beta1) * data[j]!;
        own.v = beta2 * own.v + (1 - beta2) * data[j]! ** 2;
        // The order at the end of section 2: ε beside √v, both corrections in the rate.
        const corrected = (learningRate * Math.sqrt(1 - beta2 ** t)) / (1 - beta1 ** t);
        own.weight -= (corrected * own.m) / (Math.sqrt(own.v) + epsilon);
      });
    });
    const moved = values(weight);
    exact.forEach((own, j) => {
      expect(Math.abs(moved[j]! / own.weight - 1)).toBeLessThan(1e-6);
    });
  });
});

describe('leakyRelu', () => {
  const slope = 0.2;
  const at = [-3, -0.5, -1e-30, 0, 1e-30, 0.5, 3];

  it('has the slopes of its two halves', () => {
    expect(values(leakyRelu(tf.tensor(at), slope))).toEqual(values(tf.leakyRelu(tf.tensor(at), slope)));
    const gradient = values(tf.grad((x) => leakyRelu(x, slope))(tf.tensor(at)));
    expect(gradient).toEqual(at.map((x) => (x > 0 ? 1 : Math.fround(slope))));
  });

  it('can be differentiated twice', () => {
    // d/dx of (d/dx leaky(x)²)² = d/dx (2·leaky(x)·s)² = 8·leaky(x)·s³.
    const penalty = (x: tf.Tensor): tf.Tensor =>
      tf.sum(tf.square(tf.grad((y) => tf.sum(tf.square(leakyRelu(y, slope))))(x)));
    const gradient = values(tf.grad(penalty)(tf.tensor([-3, 0.5])));
    expect(gradient[0]).toBeCloseTo(8 * -0.6 * slope ** 3, 5);
    expect(gradient[1]).toBeCloseTo(8 * 0.5, 5);
  });
});

describe('a discriminator that sees each example alone', () => {
  const batch = 3;
  const gan = findModel('mlp').build({ imageShape: [4, 4, 1], width: 20, latentSize: 5 });

  /** The losses and the new weights of one step. */
  function runOnce(network: Gan): { losses: number[]; weights: Record<string, number[]> } {
    const step = makeStep(network, {
      batch,
      optimizer: adam(0.5, 0.999),
      discriminatorSteps: 1,
      loss: 'non-saturating',
      update: 'alternating',
    });
    const given: TensorMap = { ...drawNoise(step.inputs, network.shape, 3, 0) };
    for (const [name, { shape, kind }] of Object.entries(step.inputs)) {
      if (kind === 'reals') given[name] = randomTensor('reals', shape);
      else if (kind === 'number') given[name] = { shape: [], dtype: 'float32', data: Float32Array.of(0.01) };
    }
    const toTensors = (tensors: TensorMap): Record<string, tf.Tensor> =>
      Object.fromEntries(
        Object.entries(tensors).map(([name, { data, shape, dtype }]) => [
          name,
          tf.tensor(data, [...shape], dtype as 'float32' | 'bool'),
        ]),
      );
    const { state, losses } = step.run(toTensors(initialState(step, 3)), toTensors(given));
    const weights = Object.entries(state).map(([name, tensor]) => [name, values(tensor)] as const);
    return {
      losses: Object.values(losses).map((loss) => values(loss)[0]!),
      weights: Object.fromEntries(weights),
    };
  }

  it('learns from both batches in one call what it learns in two', () => {
    expect(gan.discriminator.acrossBatch).toBe(false);
    const together = runOnce(gan);
    const apart = runOnce({ ...gan, discriminator: { ...gan.discriminator, acrossBatch: true } });
    together.losses.forEach((loss, i) => {
      expect(Math.abs(loss - apart.losses[i]!)).toBeLessThan(1e-6);
    });
    for (const [name, numbers] of Object.entries(together.weights)) {
      const largest = Math.max(...numbers.map((value, i) => Math.abs(value - apart.weights[name]![i]!)));
      expect([name, largest < 1e-6]).toEqual([name, true]);
    }
  });

  it('is not what batch normalisation makes', () => {
    const { generator, discriminator } = findModel('dcgan').build({ imageShape: [28, 28, 1], width: 2 });
    expect([generator.acrossBatch, discriminator.acrossBatch]).toEqual([true, true]);
  });
});
