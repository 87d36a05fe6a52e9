/** The training items nearest to samples, read from a data set piece by piece, so that memory does not grow with it. */
import { type FloatTensor, type PlainTensor, sizeOf } from '../core/tensor.js';
import type { Dataset } from '../core/types.js';
import { type DistanceOptions, findNearest, type Nearest, toPixels } from '../measure/index.js';
import { toBytes } from '../sample/index.js';

/** Values of a data set that are held at once. */
const MOST_VALUES = 2 ** 26;

/** Training items as the network was shown them, float32 in its `imageRange` and beyond. */
export type ToNetwork = (items: PlainTensor) => FloatTensor;

/** How items and samples are compared. */
export interface NearestOptions extends DistanceOptions {
  /** The values of black and white. */
  readonly imageRange: readonly [number, number];
  /** Absent where the network was shown the pixels as they are. */
  readonly toNetwork?: ToNetwork | undefined;
}

/**
 * Finds the nearest item of every sample by pixel L2.
 *
 * @param pixels [n, H, W, C], from black 0 to white 1
 * @returns numbers and distances, and the items themselves as the network was shown them, uint8 [n, H, W, C]
 * @throws the signal's reason when aborted
 */
export async function findNearestItems(
  pixels: FloatTensor,
  data: Dataset,
  { imageRange, toNetwork, run, signal, onProgress }: NearestOptions,
): Promise<{ nearest: Nearest[]; items: PlainTensor<Uint8Array> }> {
  const piece = Math.max(1, Math.floor(MOST_VALUES / sizeOf(data.shape)));
  let nearest: Nearest[] = [];
  for (let from = 0; from < data.count; from += piece) {
    const count = Math.min(piece, data.count - from);
    const items = await data.read(Uint32Array.from({ length: count }, (_, i) => from + i));
    const rows = toNetwork ? toPixels(toNetwork(items), imageRange) : items;
    const found = await findNearest(pixels, rows, { run, signal });
    nearest = found.map(({ index, distance }, i) => {
      const before = nearest[i];
      return before && before.distance <= distance ? before : { index: from + index, distance };
    });
    onProgress?.(from + count, data.count);
  }
  const items = await data.read(nearest.map(({ index }) => index));
  return {
    nearest,
    items: toNetwork ? toBytes(toNetwork(items), imageRange) : (items as PlainTensor<Uint8Array>),
  };
}
