/**
 * Float images to 8 bits. One rule for previews, PNG files and golden samples, so that their bytes agree.
 * It knows nothing of grids and files.
 */
import { expected } from '../core/errors.js';
import { type FloatTensor, type PlainTensor, plainTensor } from '../core/tensor.js';

/**
 * Maps `range` to 0 … 255, rounding halves up; what lies outside is clamped, NaN becomes 0.
 *
 * @param images any shape
 * @param range  the values of black and white
 * @returns uint8, the same shape
 * @throws GanError `BAD_ARGUMENT` for a range that does not rise
 */
export function toBytes(
  images: FloatTensor,
  range: readonly [number, number],
): PlainTensor<Uint8Array<ArrayBuffer>> {
  const [black, white] = range;
  const scale = 255 / (white - black);
  if (!(scale > 0 && Number.isFinite(scale)))
    throw expected('quantize', 'a range [low, high] with low < high', range);
  const { data } = images;
  const bytes = new Uint8Array(data.length);
  for (let i = 0; i < data.length; i++) {
    const level = (data[i]! - black) * scale + 0.5;
    // `level > 0` is false for NaN; between 0 and 255 truncating is Math.floor.
    bytes[i] = level >= 255 ? 255 : level > 0 ? level | 0 : 0;
  }
  return plainTensor(bytes, images.shape);
}
