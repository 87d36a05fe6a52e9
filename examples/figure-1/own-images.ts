/**
 * A visitor's own images as training data: cut square, made small and grey. They stay on the visitor's machine.
 */

import { IMAGE_SIZE } from './data-sets.js';
import type { Data } from './messages.js';

/** Fewer would be learned by heart. */
const FEWEST = 8;

/** @throws Error in words for a person when too few of the files are images */
export async function readOwnImages(files: Iterable<File>): Promise<Data> {
  const canvas = new OffscreenCanvas(IMAGE_SIZE, IMAGE_SIZE);
  const context = canvas.getContext('2d', { willReadFrequently: true })!;
  context.imageSmoothingQuality = 'high';
  const images: Uint8Array[] = [];
  for (const file of files) {
    const image = await createImageBitmap(file).catch(() => undefined);
    if (!image) continue;
    const side = Math.min(image.width, image.height);
    const [left, top] = [(image.width - side) / 2, (image.height - side) / 2];
    context.fillRect(0, 0, IMAGE_SIZE, IMAGE_SIZE); // under what is transparent
    context.drawImage(image, left, top, side, side, 0, 0, IMAGE_SIZE, IMAGE_SIZE);
    image.close();
    const { data } = context.getImageData(0, 0, IMAGE_SIZE, IMAGE_SIZE);
    images.push(
      Uint8Array.from(
        { length: IMAGE_SIZE ** 2 },
        (_, i) => 0.299 * data[4 * i]! + 0.587 * data[4 * i + 1]! + 0.114 * data[4 * i + 2]!,
      ),
    );
  }
  if (images.length < FEWEST) {
    throw new Error(`Choose at least ${FEWEST} images; ${images.length} of these files could be read.`);
  }
  const pixels = new Uint8Array(images.length * IMAGE_SIZE ** 2);
  images.forEach((image, i) => {
    pixels.set(image, i * IMAGE_SIZE ** 2);
  });
  return { kind: 'images', size: IMAGE_SIZE, pixels };
}
