/**
 * The numbers behind parity: the reference's images, and how far another generator's lie from them at several batch
 * sizes. It knows neither tolerances nor what a difference means.
 */
import { GanError } from '../core/errors.js';
import type { GeneratorMetadata } from '../core/metadata.js';
import { type FloatTensor, plainTensor, sizeOf } from '../core/tensor.js';
import type { Session } from '../core/types.js';
import { createGenerator, type Generator } from '../sample/index.js';

/** Latents in one run of the reference. */
const REFERENCE_BATCH = 64;

/** Absolute differences over all latents and batches. */
export interface Difference {
  readonly max: number;
  readonly mean: number;
  /** Where the largest is. */
  readonly at: string;
}

/** `runtime/device`. */
export function nameOf({ runtime, device }: { readonly runtime: string; readonly device: string }): string {
  return `${runtime}/${device}`;
}

/** Runs latents [n, L] in parts of `batch`, and hands out each part's images with the number of its first latent. */
async function* runInBatches(
  generator: Generator,
  latents: FloatTensor,
  batch: number,
): AsyncGenerator<{ from: number; images: FloatTensor }, void, void> {
  const [count = 0, size = 0] = latents.shape;
  for (let from = 0; from < count; from += batch) {
    const n = Math.min(batch, count - from);
    const part = latents.data.subarray(from * size, (from + n) * size);
    yield { from, images: await generator.run(plainTensor(part, [n, size])) };
  }
}

/**
 * The reference's images, [n, H, W, C] flat. A live network gives NHWC, whatever the file's layout.
 *
 * @throws GanError `DIVERGED` when they hold a value that is not finite
 */
export async function drawReference(
  reference: Session,
  metadata: GeneratorMetadata,
  latents: FloatTensor,
): Promise<Float32Array> {
  const { imageShape, layout } = metadata;
  const given = reference.outputs.find(({ name }) => name === 'images')?.shape.slice(1);
  const isNhwc = given?.every((extent, axis) => extent === imageShape[axis]);
  const generator = createGenerator(reference, { ...metadata, layout: isNhwc ? 'nhwc' : layout });
  const size = sizeOf(imageShape);
  const all = new Float32Array(latents.shape[0]! * size);
  for await (const { from, images } of runInBatches(generator, latents, REFERENCE_BATCH))
    all.set(images.data, from * size);
  const bad = all.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) {
    throw new GanError(
      'DIVERGED',
      'parity',
      `Expected finite values from the reference ${nameOf(reference)}, got \`${all[bad]}\` in latent ${Math.floor(bad / size)}. ` +
        'The weights are broken: use an earlier checkpoint.',
    );
  }
  return all;
}

/**
 * Draws all latents at each batch size and compares with the reference.
 *
 * @param latents   [n, L]
 * @param reference [n, H, W, C] flat
 * @throws GanError `PARITY` at the first value that is not finite
 */
export async function compareImages(
  generator: Generator,
  latents: FloatTensor,
  batches: readonly number[],
  reference: Float32Array,
): Promise<Difference> {
  const size = sizeOf(generator.metadata.imageShape);
  let max = 0;
  let at = '';
  let sum = 0;
  for (const batch of batches) {
    for await (const { from, images } of runInBatches(generator, latents, batch)) {
      images.data.forEach((value, i) => {
        const place = from * size + i;
        const gap = Math.abs(value - reference[place]!);
        if (!Number.isFinite(gap)) {
          throw new GanError(
            'PARITY',
            nameOf(generator),
            `Expected finite values, got \`${value}\` in latent ${Math.floor(place / size)} at batch ${batch}.`,
          );
        }
        sum += gap;
        if (gap <= max) return;
        max = gap;
        at = `value ${place % size} of latent ${Math.floor(place / size)} at batch ${batch}`;
      });
    }
  }
  return { max, mean: sum / (reference.length * batches.length), at };
}
