/**
 * A snapshot of a generator of any size that nobody trained: every weight drawn, averages and norms included, so that
 * no part of it is trivial. For what must be measured at a size that takes long to train.
 */
import { findModel } from '../models/index.js';
import type { BuildOptions, Initial } from '../models/types.js';
import { saveCheckpoint } from '../src/checkpoint/index.js';
import { uniform } from '../src/core/random.js';
import { type FloatTensor, plainTensor, sizeOf } from '../src/core/tensor.js';

const SEED = 1;

/** Middle and width of the uniform distribution that stands for an initial one; constants are spread by 0.1. */
function rangeOf(initial: Initial): { middle: number; spread: number } {
  if (initial.kind === 'uniform') return { middle: 0, spread: initial.range };
  if (initial.kind === 'normal') return { middle: initial.mean, spread: Math.sqrt(3) * initial.deviation };
  if (initial.kind === 'sparse') return { middle: 0, spread: 1 };
  return { middle: initial.kind === 'constant' ? initial.value : 0, spread: 0.1 };
}

/**
 * Draws the generator's weights and saves them.
 *
 * @returns number of weights
 */
export async function saveUntrained(
  path: string,
  model: string,
  build: BuildOptions & { readonly width: number },
): Promise<number> {
  const { generator, shape } = findModel(model).build(build);
  const tensors: Record<string, FloatTensor> = {};
  for (const weight of generator.weights) {
    const name = `generator/${weight.name}`;
    const { middle, spread } = rangeOf(weight.initial);
    const values = uniform(SEED, name, 0, sizeOf(weight.shape), middle - spread, middle + spread);
    tensors[name] = plainTensor(values, weight.shape);
  }
  const { kind, imageShape, latentSize, latentDistribution } = shape;
  await saveCheckpoint(path, {
    kind: 'snapshot',
    model,
    modelOptions: { kind, imageShape, latentSize, latentDistribution, width: build.width },
    shape,
    imagesSeen: 0,
    steps: 0,
    seed: SEED,
    dataDigest: '',
    tensors,
  });
  return generator.weights.reduce((sum, weight) => sum + sizeOf(weight.shape), 0);
}
