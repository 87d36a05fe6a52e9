/** Fig. 3: straight lines in z from one sample to another, and what the generator makes of them. */
import { type FloatTensor, plainTensor } from '../core/tensor.js';
import { type Generator, type Samples, walkLatents } from '../sample/index.js';

/**
 * Rows of images, each on the straight line from sample 2·r to sample 2·r + 1.
 *
 * @param samples at least 2 · rows of them
 * @param steps   images in a row, the two samples included
 * @returns [rows · steps, H, W, C]
 */
export async function interpolateSamples(
  generator: Generator,
  { latents, labels }: Samples,
  rows: number,
  steps: number,
): Promise<FloatTensor> {
  const { latentSize } = generator.metadata;
  const latentOf = (i: number): FloatTensor =>
    plainTensor(latents.data.slice(i * latentSize, (i + 1) * latentSize), [1, latentSize]);
  const walked = new Float32Array(rows * steps * latentSize);
  const classes = new Int32Array(rows * steps);
  for (let row = 0; row < rows; row++) {
    const walk = walkLatents(generator.metadata, latentOf(2 * row), latentOf(2 * row + 1), steps, 'lerp');
    walked.set(walk.data, row * steps * latentSize);
    // A class has no values between it and the next: a row keeps the one that it begins with.
    if (labels) classes.fill(labels[2 * row]!, row * steps, (row + 1) * steps);
  }
  return await generator.run(plainTensor(walked, [rows * steps, latentSize]), labels && classes);
}
