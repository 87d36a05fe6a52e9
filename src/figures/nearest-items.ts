/** The training items nearest to samples, read from a data set piece by piece, so that memory does not grow with it. */
import type { FloatTensor, PlainTensor } from '../core/tensor.js';
import { sizeOf } from '../core/tensor.js';
import type { Dataset } from '../core/types.js';
import { type DistanceOptions, findNearest, type Nearest } from '../measure/index.js';

/** Values of a data set that are held at once. */
const MOST_VALUES = 2 ** 26;

/**
 * Finds the nearest item of every sample by pixel L2.
 *
 * @param pixels [n, H, W, C], pixels in [0, 1]
 * @returns numbers and distances, and the items themselves, uint8 [n, H, W, C]
 * @throws the signal's reason when aborted
 */
export async function findNearestItems(
  pixels: FloatTensor,
  data: Dataset,
  options: DistanceOptions = {},
): Promise<{ nearest: Nearest[]; items: PlainTensor<Uint8Array> }> {
  const piece = Math.max(1, Math.floor(MOST_VALUES / sizeOf(data.shape)));
  let nearest: Nearest[] = [];
  for (let from = 0; from < data.count; from += piece) {
    const count = Math.min(piece, data.count - from);
    const rows = await data.read(Uint32Array.from({ length: count }, (_, i) => from + i));
    const found = await findNearest(pixels, rows, { run: options.run, signal: options.signal });
    nearest = found.map(({ index, distance }, i) => {
      const before = nearest[i];
      return before && before.distance <= distance ? before : { index: from + index, distance };
    });
    options.onProgress?.(from + count, data.count);
  }
  const items = await data.read(nearest.map(({ index }) => index));
  return { nearest, items: items as PlainTensor<Uint8Array> };
}
