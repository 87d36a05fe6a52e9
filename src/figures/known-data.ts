/** Which data is at hand, told by its content and not by its name. */
import { createHash } from 'node:crypto';
import { expected } from '../core/errors.js';
import type { Dataset } from '../core/types.js';
import type { Generator } from '../sample/index.js';

/** SHA-256 of the first 100 training images of MNIST, 28 × 28 bytes each. */
const MNIST_START = 'c8d7b3ac57a59fa463cbbcdc21a53485e2990f12ca46d0fef62dd86cadfd67a3';
const STARTED = 100;

/** Whether these are MNIST's training images at their own size, all or from the first on. */
export async function isMnist({ count, shape, read }: Dataset): Promise<boolean> {
  if (count < STARTED || shape.join() !== '28,28,1') return false;
  const start = await read(Uint32Array.from({ length: STARTED }, (_, i) => i));
  return createHash('sha256').update(start.data).digest('hex') === MNIST_START;
}

/**
 * Refuses a generator that was not trained on the data: another shape, or (where it says so) another digest.
 *
 * @throws GanError `BAD_ARGUMENT`
 */
export function expectTrainedOn({ metadata }: Generator, { name, shape, digest }: Dataset): void {
  const { imageShape, dataDigest } = metadata;
  const remedy = 'Name a generator or a snapshot of this run.';
  const text = (extents: readonly number[]) => `[${extents.join(', ')}]`;
  if (imageShape.join() !== shape.join()) {
    throw expected('figures', `a generator of ${text(shape)}, as ${name} is`, text(imageShape), remedy);
  }
  // A file of another tool says nothing of its data.
  if (dataDigest === '' || dataDigest === digest) return;
  const start = (hash: string) => `SHA-256 ${hash.slice(0, 12)}…`;
  throw expected('figures', `a generator trained on ${name} (${start(digest)})`, start(dataDigest), remedy);
}
