/**
 * Drawing with a file and with the live network, to compare them. It knows neither how a file is made nor what a
 * difference means.
 */
import type { Gan } from '../models/types.js';
import { type FloatTensor, plainTensor } from '../src/core/tensor.js';
import type { GeneratorShape, Session } from '../src/core/types.js';
import { drawLatents } from '../src/sample/latents.js';
import { toNhwc } from '../src/sample/layout.js';
import { countMultiplications } from './count-multiplications.js';
import { maxDifference } from './find-divergence.js';
import type { GeneratorWeights } from './generator.js';
import { type LiveGenerator, openLiveGenerator } from './live-generator.js';
import type { ModelFile } from './model-file.js';

/** Writes a file somewhere and opens it in the runtime that checks it. */
export type OpenFile = (file: ModelFile) => Promise<Session>;

const CHECK_SEED = 0;

/** Latents on which a file is compared before it may exist, and what the live network may compute for them. */
export const MOST_LATENTS = 64;
const FEWEST_LATENTS = 3;
const LIVE_MULTIPLICATIONS = 4e9; // some 3 s in WebAssembly, 20 s in pure JS

/**
 * The batches in which a network is checked: 64 latents, fewer where an image takes long. Three are enough for what an
 * export can get wrong: a pad, a layout or a factor that is wrong shows in every image. Two sizes of batch must agree.
 */
export function planBatches(gan: Gan): number[] {
  const affordable = Math.floor(LIVE_MULTIPLICATIONS / countMultiplications(gan));
  const count = Math.min(MOST_LATENTS, Math.max(FEWEST_LATENTS, affordable));
  const second = Math.min(5, count - 1);
  return [1, second, count - 1 - second].filter((batch) => batch > 0);
}

/** Latents from number `from` on, [n, L] for each batch of n. */
export function drawBatches(gan: Gan, batches: readonly number[], from = 0): FloatTensor[] {
  let next = from;
  return batches.map((batch) => {
    const latents = drawLatents(gan.shape, CHECK_SEED, next, batch);
    next += batch;
    return latents;
  });
}

/** Draws images with an open file and closes it: latents [n, L] -> [n, H, W, C], whatever the file's own layout. */
export async function drawAndClose(
  session: Session,
  latents: readonly FloatTensor[],
  { imageShape }: GeneratorShape,
  layout: 'nhwc' | 'nchw',
): Promise<FloatTensor[]> {
  try {
    const drawn: FloatTensor[] = [];
    for (const batch of latents) {
      const { data } = (await session.run({ latents: batch })).images as FloatTensor;
      const shape = [batch.shape[0]!, ...imageShape];
      drawn.push(plainTensor(layout === 'nchw' ? toNhwc(data, imageShape) : data, shape));
    }
    return drawn;
  } finally {
    await session.dispose();
  }
}

/** Opens the live network for as long as it is asked something. */
export async function askLive<T>(
  { gan, weights }: { readonly gan: Gan; readonly weights: GeneratorWeights },
  ask: (live: LiveGenerator) => Promise<T>,
): Promise<T> {
  const live = await openLiveGenerator(gan, weights);
  try {
    return await ask(live);
  } finally {
    await live.dispose();
  }
}

/**
 * The live network's images of the same batches, and the largest difference from them, as a share of their largest
 * value where that exceeds 1; infinite for no number.
 */
export async function compareWithLive(
  live: LiveGenerator,
  latents: readonly FloatTensor[],
  images: readonly FloatTensor[],
): Promise<{ references: FloatTensor[]; worst: number }> {
  const references: FloatTensor[] = [];
  let worst = 0;
  let largest = 1;
  for (const [i, batch] of latents.entries()) {
    const reference = (await live.run({ latents: batch })).images as FloatTensor;
    worst = Math.max(worst, maxDifference(images[i]!.data, reference.data));
    largest = reference.data.reduce((most, value) => Math.max(most, Math.abs(value)), largest);
    references.push(reference);
  }
  return { references, worst: worst / largest };
}
