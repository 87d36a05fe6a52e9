/**
 * Fills a step's random inputs (latents, coins, instance noise), each by (seed, stream, index).
 * The stream is the input's name and the index follows from the step's number, so resuming needs no generator state.
 */
import { bell, coins } from '../core/random.js';
import { plainTensor, sizeOf, type TensorMap } from '../core/tensor.js';
import type { GeneratorShape } from '../core/types.js';
import { drawLatents } from '../sample/latents.js';
import type { InputSpec } from './step.js';

/** Latents, coins and instance noise of step number `step`, by input name. */
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
    } else if (spec.kind === 'noise') {
      drawn[name] = plainTensor(bell(seed, name, start, count), spec.shape);
    } else if (spec.kind === 'latents') {
      const batch = spec.shape[0]!;
      drawn[name] = drawLatents(shape, seed, step * batch, batch, name);
    }
  }
  return drawn;
}
