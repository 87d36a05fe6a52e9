/**
 * Pixels to their final size and channels, through sharp (libvips): cover, cut from the centre, alpha on white,
 * upright as EXIF says. It knows neither folders nor labels.
 * https://sharp.pixelplumbing.com/api-resize
 */
import type { Sharp, SharpOptions } from 'sharp';
import { expected } from '../core/errors.js';
import { chooseSize, type DataOptions, type ItemShape } from './source.js';

/** Images with more pixels are refused, so that a small file cannot ask for gigabytes. */
const PIXEL_LIMIT = 2 ** 27;
/** Larger images need a size that is asked for: nobody means to train on photographs as they are. */
const UNASKED_SIZE_LIMIT = 1024;

const SHARP_OPTIONS: SharpOptions = { failOn: 'error', limitInputPixels: PIXEL_LIMIT, autoOrient: true };

/** With the first picture: to load libvips takes a good part of the start of whoever reads none. */
const loadSharp = async () => (await import('sharp')).default;

/** Width and height in pixels, and 1 to 4 channels. */
export interface PixelLayout {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 2 | 3 | 4;
}

/**
 * Settles the shape of all items from the options and the first image.
 *
 * @throws GanError `BAD_ARGUMENT` when no size is asked for and the image is larger than 1024 pixels
 */
export function chooseShape(options: DataOptions, first: PixelLayout): ItemShape {
  const size = chooseSize(options, Math.min(first.width, first.height));
  if (options.size === undefined && size > UNASKED_SIZE_LIMIT) {
    const got = `${first.width} x ${first.height}`;
    throw expected(
      'data',
      `a size for images above ${UNASKED_SIZE_LIMIT} pixels`,
      got,
      'Ask for one, such as 64.',
    );
  }
  return [size, size, options.channels ?? (first.channels < 3 ? 1 : 3)];
}

/** Reads an image file's header; rejects with the decoder's own error. */
export async function measureImage(bytes: Buffer): Promise<PixelLayout> {
  const { autoOrient, channels, space } = await (await loadSharp())(bytes, SHARP_OPTIONS).metadata();
  const isGrey = space === 'b-w' || space === 'grey16' || channels < 3;
  return { width: autoOrient.width, height: autoOrient.height, channels: isGrey ? 1 : 3 };
}

async function renderPixels(pipeline: Sharp, [height, width, channels]: ItemShape): Promise<Uint8Array> {
  return await pipeline
    .flatten({ background: '#ffffff' })
    .resize(width, height, { fit: 'cover', position: 'centre' })
    .toColourspace(channels === 1 ? 'b-w' : 'srgb')
    .raw({ depth: 'uchar' })
    .toBuffer();
}

/** An image file as uint8 [H, W, C]; rejects with the decoder's own error. */
export async function decodeImage(bytes: Buffer, shape: ItemShape): Promise<Uint8Array> {
  const sharp = await loadSharp();
  return await renderPixels(sharp(bytes, SHARP_OPTIONS), shape);
}

/** Raw interleaved pixels, alpha flattened and colours converted, as uint8 [H, W, C]. */
export async function convertPixels(
  pixels: Uint8Array,
  layout: PixelLayout,
  shape: ItemShape,
): Promise<Uint8Array> {
  const { width, height, channels } = layout;
  const sharp = await loadSharp();
  return await renderPixels(sharp(pixels, { raw: { width, height, channels } }), shape);
}
