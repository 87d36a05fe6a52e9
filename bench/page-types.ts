/** What the measuring page and whoever asks it say to each other: plain data, and the one interface of its ways. */
import type { BuildOptions } from '../models/types.js';
import type { FloatTensor } from '../src/core/tensor.js';
import type { LatentShape } from '../src/sample/latents.js';

/** A network, and where its weights lie in weights.bin. */
export interface PageModel {
  readonly model: string;
  readonly build: BuildOptions;
  /** In the order of the file, float32. */
  readonly weights: readonly { readonly name: string; readonly shape: readonly number[] }[];
}

/** One way to draw, ready. */
export interface PageDrawer {
  /** What really computes. */
  readonly engine: string;
  readonly latents: LatentShape;
  /** @returns all values of the images, on the page's side */
  draw(latents: FloatTensor): Promise<Float32Array>;
}

/** One visit. */
export interface PageTimes {
  readonly engine: string;
  /** From the start of the visit until the generator is ready. */
  readonly loadMs: number;
  /** From the start of the visit until the first image's values are there. */
  readonly firstMs: number;
  /** A sample, drawn alone. */
  readonly singleMs: number;
  /** A sample of a batch. */
  readonly batchMs: number;
  readonly image: readonly number[];
}
