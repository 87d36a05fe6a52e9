/**
 * Fills a step's inputs: latents, coins and initial weights, each by (seed, stream, index).
 * The stream is the input's name and the index follows from the step's number, so resuming needs no generator state.
 */

import type { Initial } from '../../models/types.js';
import { coins, normal, uniform } from '../core/random.js';
import { type PlainTensor, plainTensor, sizeOf, type TensorMap } from '../core/tensor.js';
import type { GeneratorShape } from '../core/types.js';
import { drawLatents } from '../sample/latents.js';
import type { InputSpec, StateSpec, Step } from './step.js';

/** Latents and coins of step number `step`, by input name. */
export function drawNoise(
  inputs: Readonly<Record<string, InputSpec>>,
  shape: GeneratorShape,
  seed: number,
  step: number,
): TensorMap {
  const drawn: TensorMap = {};
  for (const [name, spec] of Object.entries(inputs)) {
    const count = sizeOf(spec.shape);
    const start = step * count;
    if (spec.kind === 'coins') {
      drawn[name] = plainTensor(coins(seed, name, start, count, spec.keep), spec.shape, 'bool');
    } else if (spec.kind === 'latents') {
      const batch = spec.shape[0]!;
      drawn[name] = drawLatents(shape, seed, step * batch, batch, name);
    }
  }
  return drawn;
}

function drawInitial(initial: Initial, seed: number, stream: string, count: number): Float32Array {
  if (initial.kind === 'constant') return new Float32Array(count).fill(initial.value);
  if (initial.kind === 'uniform') return uniform(seed, stream, 0, count, -initial.range, initial.range);
  return normal(seed, stream, 0, count).map((value) => initial.mean + initial.deviation * value);
}

/** The state before the first step: weights by their specification, averages equal to them, slots 0. */
export function initialState(step: Step, seed: number): Record<string, PlainTensor> {
  const draw = (name: string, { shape, weight, copyOf }: StateSpec): PlainTensor => {
    if (copyOf) return draw(copyOf, step.state[copyOf]!);
    const count = sizeOf(shape);
    const values = weight
      ? drawInitial(weight.initial, seed, `weights/${name}`, count)
      : new Float32Array(count);
    return plainTensor(values, shape);
  };
  return Object.fromEntries(Object.entries(step.state).map(([name, spec]) => [name, draw(name, spec)]));
}
