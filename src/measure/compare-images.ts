/**
 * The numbers behind parity: the reference's images, and how far another generator's lie from them at several batch
 * sizes, as values and at 8 bits. It knows neither tolerances nor what a difference means.
 */
import { GanError } from '../core/errors.js';
import type { GeneratorMetadata } from '../core/metadata.js';
import { type FloatTensor, plainTensor, sizeOf } from '../core/tensor.js';
import type { Session } from '../core/types.js';
import { createGenerator, type Generator, toBytes } from '../sample/index.js';

/** Latents in one run of the reference. */
const REFERENCE_BATCH = 64;

/** One value of one image, and the batch size at which it was drawn. */
export interface Place {
  readonly latent: number;
  /** Flat NHWC index within the image. */
  readonly value: number;
  readonly batch: number;
}

/** Absolute differences at one batch size. */
export interface BatchDifference {
  readonly batch: number;
  readonly max: number;
  readonly mean: number;
}

/** Absolute differences over all latents and batches. */
export interface Difference {
  readonly max: number;
  readonly mean: number;
  /** The same of the images at 8 bits, in levels. */
  readonly maxLevels: number;
  readonly meanLevels: number;
  readonly byBatch: readonly BatchDifference[];
  /** Where the largest is; absent where there is no difference at all. */
  readonly worst?: Place;
}

/** What the comparison ended at when a value was not finite. */
export interface NotFinite {
  readonly notFinite: number;
  readonly worst: Place;
}

/** The reference's images, [n, H, W, C] flat, as they are and at 8 bits. */
export interface ReferenceImages {
  readonly values: Float32Array;
  readonly levels: ArrayLike<number>;
  /** The largest magnitude, at least 1: what float32 differences are to be measured by. */
  readonly scale: number;
}

/** Images at 8 bits; points, which no picture cuts off at the ends of the range, unrounded. */
function toLevels(images: FloatTensor, { kind, imageRange }: GeneratorMetadata): ArrayLike<number> {
  if (kind === 'images') return toBytes(images, imageRange).data;
  const [low, high] = imageRange;
  return images.data.map((value) => ((value - low) / (high - low)) * 255);
}

/** `runtime/device`. */
export function nameOf({ runtime, device }: { readonly runtime: string; readonly device: string }): string {
  return `${runtime}/${device}`;
}

/** Classes of latents `from` on, all in turn: by the latent's number and not by its place in a batch. */
export function labelsOf({ labels = [] }: GeneratorMetadata, from: number, count: number): Int32Array {
  return Int32Array.from({ length: count }, (_, i) => (from + i) % Math.max(1, labels.length));
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
    const labels = generator.labelled ? labelsOf(generator.metadata, from, n) : undefined;
    yield { from, images: await generator.run(plainTensor(part, [n, size]), labels) };
  }
}

/**
 * The reference's images. A live network gives NHWC, whatever the file's layout.
 *
 * @throws GanError `DIVERGED` when they hold a value that is not finite
 */
export async function drawReference(
  reference: Session,
  metadata: GeneratorMetadata,
  latents: FloatTensor,
): Promise<ReferenceImages> {
  const { imageShape, layout, outputName = 'images' } = metadata;
  const given = reference.outputs.find(({ name }) => name === outputName)?.shape.slice(1);
  const isNhwc = given?.every((extent, axis) => extent === imageShape[axis]);
  const generator = createGenerator(reference, { ...metadata, layout: isNhwc ? 'nhwc' : layout });
  const size = sizeOf(imageShape);
  const values = new Float32Array(latents.shape[0]! * size);
  for await (const { from, images } of runInBatches(generator, latents, REFERENCE_BATCH))
    values.set(images.data, from * size);
  const bad = values.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) {
    throw new GanError(
      'DIVERGED',
      'parity',
      `Expected finite values from the reference ${nameOf(reference)}, got \`${values[bad]}\` in latent ${Math.floor(bad / size)}. ` +
        'The weights are broken: use an earlier checkpoint.',
    );
  }
  const scale = values.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
  return { values, levels: toLevels(plainTensor(values, [values.length]), metadata), scale };
}

/**
 * Draws all latents at each batch size and compares with the reference; ends at the first value that is not finite.
 *
 * @param latents [n, L]
 * @param onRun   called after each run of the model with the number of images that it drew
 */
export async function compareImages(
  generator: Generator,
  latents: FloatTensor,
  batches: readonly number[],
  reference: ReferenceImages,
  onRun: (images: number) => void,
): Promise<Difference | NotFinite> {
  const { metadata } = generator;
  const size = sizeOf(metadata.imageShape);
  const byBatch: BatchDifference[] = [];
  let [max, maxLevels, sumOfLevels] = [0, 0, 0];
  let worst: Place | undefined;
  for (const batch of batches) {
    let [maxOfBatch, sum] = [0, 0];
    for await (const { from, images } of runInBatches(generator, latents, batch)) {
      const levels = toLevels(images, metadata);
      for (let i = 0; i < levels.length; i++) {
        const at = from * size + i;
        const gap = Math.abs(images.data[i]! - reference.values[at]!);
        const place = (): Place => ({ latent: Math.floor(at / size), value: at % size, batch });
        if (!Number.isFinite(gap)) return { notFinite: images.data[i]!, worst: place() };
        const steps = Math.abs(levels[i]! - reference.levels[at]!);
        sum += gap;
        sumOfLevels += steps;
        if (steps > maxLevels) maxLevels = steps;
        if (gap > maxOfBatch) maxOfBatch = gap;
        if (gap <= max) continue;
        max = gap;
        worst = place();
      }
      onRun(images.shape[0]!);
    }
    byBatch.push({ batch, max: maxOfBatch, mean: sum / reference.values.length });
  }
  return {
    max,
    mean: byBatch.reduce((sum, { mean }) => sum + mean, 0) / batches.length,
    maxLevels,
    meanLevels: sumOfLevels / (reference.values.length * batches.length),
    byBatch,
    ...(worst ? { worst } : {}),
  };
}
