/**
 * How many samples a run of a model has to have so that each comes out with the same bits whatever is drawn beside it.
 * A matrix product may be done in another order for another number of rows (one row is a product with a vector), and
 * a last bit that differs can turn a pixel of 8 bits. It knows neither latents nor images.
 *
 * Measured with onnxruntime-node and onnxruntime-web 1.30, tfjs 4.22 and ganx-wasm on x64, 1 and 2 threads, runs of 1
 * to 128 samples: not one float of mlp, dcgan (28, 32 and 64 pixels), best-mnist and the 2014 generators differed on
 * `cpu`, `wasm` and `webgpu` (SwiftShader), in float32 and float16; nor of 200 graphs of one Gemm, MatMul, Conv or
 * ConvTranspose of any size with constant weights, which are packed once. Where weights were computed, 38 of 39 graphs
 * differed, by up to 3e-6: runs of one sample, and with two threads runs of other sizes too.
 */
import type { GeneratorMetadata } from '../core/metadata.js';
import type { Session } from '../core/types.js';

/** Where runs of any size were measured to give the same bits; vendors' libraries choose a kernel by the size. */
const STEADY_DEVICES: readonly string[] = ['cpu', 'wasm', 'webgpu', 'tensorflow', 'remote'];

/** Of a GPU's run: it takes about as long for one sample as for this many. */
const MOST_ROWS = 64;
/** Pixels of a GPU's run, so that large images fit its memory. */
const MOST_PIXELS = 2 ** 18;
/** Of a run of computed weights elsewhere: a single sample should not cost many. */
const FEW_ROWS = 8;

/**
 * The number of samples that every run is filled up or cut to.
 *
 * @returns undefined when any number gives the same bits
 */
export function chooseRows(
  { device }: Pick<Session, 'device'>,
  { imageShape: [height, width], hasComputedWeights }: GeneratorMetadata,
): number | undefined {
  const fitting = Math.max(1, Math.floor(MOST_PIXELS / (height * width)));
  if (!STEADY_DEVICES.includes(device)) return Math.min(MOST_ROWS, fitting);
  return hasComputedWeights ? Math.min(FEW_ROWS, fitting) : undefined;
}
