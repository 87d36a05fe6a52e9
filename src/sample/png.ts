/**
 * 8-bit images to PNG bytes, the same bytes for the same pixels on every machine: no time stamp, one fixed
 * compression level, a compressor in plain JavaScript.
 * https://www.w3.org/TR/png-3/
 */
import { encode } from 'fast-png';
import { expected } from '../core/errors.js';
import type { PlainTensor } from '../core/tensor.js';

/** What can go into a PNG besides its pixels. */
export interface PngOptions {
  /** tEXt chunks: Latin-1 keyword (1 to 79 characters) and text. */
  readonly text?: Readonly<Record<string, string>> | undefined;
}

/** The characters that a tEXt chunk can hold: printable Latin-1, and the line feed. */
const LATIN_1 = /^[\n\x20-\x7e\xa0-\xff]*$/;

/**
 * Encodes one image.
 *
 * @param image uint8 [H, W, 1] (grey) or [H, W, 3] (RGB)
 * @throws GanError `BAD_ARGUMENT` for another shape, or text that a PNG cannot hold
 */
export function encodePng(image: PlainTensor<Uint8Array>, options: PngOptions = {}): Uint8Array {
  const [height = 0, width = 0, channels = 0] = image.shape;
  if (image.dtype !== 'uint8' || image.shape.length !== 3 || height * width === 0) {
    throw expected('png', 'a uint8 image [H, W, C]', `${image.dtype} [${image.shape.join(', ')}]`);
  }
  if (channels !== 1 && channels !== 3) throw expected('png', '1 channel (grey) or 3 (RGB)', channels);
  const text = { ...options.text };
  for (const [keyword, value] of Object.entries(text)) {
    if (keyword.length < 1 || keyword.length > 79 || !LATIN_1.test(keyword) || !LATIN_1.test(value)) {
      throw expected('png', 'a Latin-1 text with a keyword of 1 to 79 characters', `${keyword}: ${value}`);
    }
  }
  return encode({ width, height, channels, depth: 8, data: image.data, text }, { zlib: { level: 6 } });
}
