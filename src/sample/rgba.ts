/**
 * 8-bit pixels in the one order that a canvas knows: red, green, blue, opaque. It needs no canvas.
 * https://html.spec.whatwg.org/multipage/imagebitmap-and-animations.html#imagedata
 */
import { expected } from '../core/errors.js';
import type { PlainTensor } from '../core/tensor.js';

/** What an `ImageData` holds. */
export interface CanvasPixels {
  /** [height, width, 4] */
  readonly data: Uint8ClampedArray<ArrayBuffer>;
  readonly width: number;
  readonly height: number;
}

/**
 * @param image uint8 [H, W, 1] (grey) or [H, W, 3] (RGB)
 * @throws GanError `BAD_ARGUMENT` for another number of channels
 */
export function toRgba({ shape, data }: PlainTensor<Uint8Array>): CanvasPixels {
  const [height = 0, width = 0, channels = 0] = shape;
  if (channels !== 1 && channels !== 3) throw expected('picture', '1 channel (grey) or 3 (RGB)', channels);
  const rgba = new Uint8ClampedArray(height * width * 4);
  for (let from = 0, to = 0; from < data.length; from += channels, to += 4) {
    rgba[to] = data[from]!;
    rgba[to + 1] = data[channels === 1 ? from : from + 1]!;
    rgba[to + 2] = data[channels === 1 ? from : from + 2]!;
    rgba[to + 3] = 255;
  }
  return { data: rgba, width, height };
}
