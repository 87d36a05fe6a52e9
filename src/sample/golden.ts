/**
 * Golden samples: one image that travels with a file as a checksum and a few values, so that any runtime can prove
 * that it computes right, without the training code. The types are in src/core/metadata.ts.
 */
import { GanError } from '../core/errors.js';
import type { GoldenSample } from '../core/metadata.js';
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
  /** Largest distance of a kept value, in units of the image's range; Infinity when one is not a number. */
  readonly maxDifference: number;
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

/**
 * Draws the golden sample of a generator's file again and compares.
 *
 * @param tolerance largest distance allowed, in units of the image's range. 1e-3 is not smaller because devices with
 *                  10-bit mantissas (TF32) round each factor by up to 5e-4; float32 devices agree to about 1e-6,
 *                  and a step of an 8-bit image is 8e-3 in a range of [-1, 1]
 * @throws GanError `BAD_MODEL_FILE` when the golden sample names values outside the image
 */
export async function checkGolden(generator: Generator, tolerance = 1e-3): Promise<GoldenCheck> {
  const { golden, imageRange } = generator.metadata;
  const image = await generator.run(drawLatents(generator.metadata, golden.seed, golden.index, 1));
  if (golden.pixels.length === 0) throw refuse('at least one value', 'none');
  let maxDifference = 0;
  for (const { at, value } of golden.pixels) {
    const got = image.data[at];
    if (got === undefined) throw refuse(`values from 0 to ${image.data.length - 1}`, at);
    const difference = Math.abs(got - value);
    maxDifference = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : Math.max(maxDifference, difference);
  }
  return {
    ok: maxDifference <= tolerance,
    shaMatches: (await digestImage(image, imageRange)) === golden.sha256,
    maxDifference,
  };
}
