/**
 * Golden samples: one image that travels with a file as a checksum and a few values, so that any runtime can prove
 * that it computes right, without the training code. The types are in src/core/metadata.ts.
 */
import { GanError } from '../core/errors.js';
import type { GeneratorMetadata, GoldenSample } from '../core/metadata.js';
import type { FloatTensor } from '../core/tensor.js';
import type { GeneratorShape } from '../core/types.js';
import type { Generator } from './generator.js';
import { drawLatents } from './latents.js';
import { toBytes } from './quantize.js';

/** How many values of the image are kept, spread evenly over it. */
const PIXELS = 16;

/** What {@link checkGolden} found. */
export interface GoldenCheck {
  /** Every kept value is within the tolerance. */
  readonly ok: boolean;
  /** The 8-bit image has the very same bytes; rounding may differ between devices that are both right. */
  readonly shaMatches: boolean;
  /** Largest distance of a kept value, in the image's own units; Infinity when one is not a number. */
  readonly maxDifference: number;
  /** What `maxDifference` was held against. */
  readonly tolerance: number;
}

/**
 * How far a right device may be from the golden sample, in the image's own units.
 *
 * In float32 half a step of an 8-bit image, 4e-3 in a range of [-1, 1]. CPUs agree to about 1e-6; not smaller because
 * CUDA's TF32 rounds each factor by up to 5e-4: a trained DCGAN whose weights alone were rounded so was off by 4e-4 in
 * its golden sample, and by 2e-3 in the worst value of 64 images.
 *
 * In float16 two steps, the bound within which such files are exported: a device may round every result to half or, as
 * ONNX Runtime's CPU, only some, and a trained DCGAN was off by 6e-3 when all were rounded.
 */
function toleranceOf({ dtype, imageRange: [low, high] }: GeneratorMetadata): number {
  return ((dtype === 'float16' ? 2 : 0.5) / 255) * (high - low);
}

/** SHA-256 (hex) of the image as 8-bit NHWC. */
async function digestImage(image: FloatTensor, range: readonly [number, number]): Promise<string> {
  const digest = await globalThis.crypto.subtle.digest('SHA-256', toBytes(image, range).data);
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

/**
 * Runs the generator on sample `index` of `seed` and keeps what identifies the image.
 *
 * @param run latents [1, L] to images [1, H, W, C]
 * @throws GanError `DIVERGED` when the image holds a value that is not finite
 */
export async function makeGolden(
  run: (latents: FloatTensor) => Promise<FloatTensor>,
  shape: GeneratorShape,
  seed = 0,
  index = 0,
): Promise<GoldenSample> {
  const image = await run(drawLatents(shape, seed, index, 1));
  const bad = image.data.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) {
    throw new GanError(
      'DIVERGED',
      'golden',
      `Expected finite values in sample ${index} of seed ${seed}, got \`${image.data[bad]}\` at ${bad}. ` +
        'The weights are broken: use an earlier checkpoint.',
    );
  }
  const size = image.data.length;
  const kept = Math.min(PIXELS, size);
  const pixels = Array.from({ length: kept }, (_, k) => {
    const at = Math.floor(((k + 0.5) * size) / kept);
    return { at, value: image.data[at]! };
  });
  return { seed, index, sha256: await digestImage(image, shape.imageRange), pixels };
}

function refuse(what: string, got: unknown): GanError {
  const message = `Expected a golden sample with ${what}, got \`${got}\`. Export the file again.`;
  return new GanError('BAD_MODEL_FILE', 'golden', message);
}

/** The golden sample's image, drawn again. */
async function redraw(generator: Generator, seed: number, index: number): Promise<FloatTensor> {
  const { metadata, labelled, run } = generator;
  const latents = drawLatents(metadata, seed, index, 1);
  return labelled ? await run(latents, Int32Array.of(index % metadata.labels!.length)) : await run(latents);
}

/** How far the golden sample is from what a generator draws now, and the image that it drew, [1, H, W, C]. */
export interface GoldenDifference extends Pick<GoldenCheck, 'ok' | 'maxDifference' | 'tolerance'> {
  readonly image: FloatTensor;
}

/**
 * Draws the golden sample of a generator's file again and compares the values that were kept. It takes no checksum,
 * which pages have only over HTTPS and on localhost.
 *
 * @param tolerance largest distance allowed, in the image's own units; by the file's dtype when absent
 * @throws GanError `BAD_MODEL_FILE` when the file has no golden sample, or one that names values outside the image
 */
export async function compareGolden(
  generator: Generator,
  tolerance: number = toleranceOf(generator.metadata),
): Promise<GoldenDifference> {
  const { golden } = generator.metadata;
  if (golden === undefined || golden.pixels.length === 0) throw refuse('at least one value', 'none');
  const image = await redraw(generator, golden.seed, golden.index);
  let maxDifference = 0;
  for (const { at, value } of golden.pixels) {
    const got = image.data[at];
    if (got === undefined) throw refuse(`values from 0 to ${image.data.length - 1}`, at);
    const difference = Math.abs(got - value);
    maxDifference = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : Math.max(maxDifference, difference);
  }
  return { ok: maxDifference <= tolerance, maxDifference, tolerance, image };
}

/** As {@link compareGolden}, and whether the 8-bit image has the checksum that the file states. */
export async function checkGolden(generator: Generator, tolerance?: number): Promise<GoldenCheck> {
  const { image, ...difference } = await compareGolden(generator, tolerance);
  const { golden, imageRange } = generator.metadata;
  return { ...difference, shaMatches: (await digestImage(image, imageRange)) === golden?.sha256 };
}

/** Whether sample 0 of seed 0 holds nothing but finite values: all that can be asked of a file without a golden one. */
export async function hasFiniteSample(generator: Generator): Promise<boolean> {
  const image = await redraw(generator, 0, 0);
  return image.data.every((value) => Number.isFinite(value));
}
