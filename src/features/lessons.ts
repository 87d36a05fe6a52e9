/**
 * What the classifier learns from: pixels and the class of each image, batch by batch. Where a data set has no labels,
 * the class is by how many quarters an image was turned (arXiv:1803.07728). Everything follows from (seed, position).
 */
import { expected } from '../core/errors.js';
import { permutation, uniform } from '../core/random.js';
import type { Dataset } from '../core/types.js';
import { batchIndices } from '../data/index.js';

/** Images and their classes; pixels are 0 to 255, [n, H, W, C]. */
export interface Lesson {
  readonly pixels: Uint8Array;
  readonly classes: Int32Array;
}

/** Where lessons come from. */
export interface Lessons {
  readonly task: 'labels' | 'rotations';
  readonly classes: number;
  /** Images that are never learnt from. */
  readonly heldOut: number;
  /** Images number `start` and on of the endless shuffled stream. */
  draw(start: number, count: number): Promise<Lesson>;
  /** Held-out images number `start` and on. */
  drawHeldOut(start: number, count: number): Promise<Lesson>;
}

const MOST_HELD_OUT = 5000;
const QUARTERS = 4;

/** Turns a square image by quarters to the left. */
function turn(image: Uint8Array, out: Uint8Array, side: number, channels: number, quarters: number): void {
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      let [row, column] = [y, x];
      for (let i = 0; i < quarters; i++) [row, column] = [column, side - 1 - row];
      for (let c = 0; c < channels; c++) {
        out[(y * side + x) * channels + c] = image[(row * side + column) * channels + c]!;
      }
    }
  }
}

/**
 * Lessons from a data set of images.
 *
 * @throws GanError `BAD_ARGUMENT` for points, for images that are not square, and for less than 20 of them
 */
export function planLessons(data: Dataset, seed: number): Lessons {
  const [side, width, channels] = data.shape;
  if (data.kind !== 'images') throw expected('features', 'images to learn features from', data.kind);
  if (side !== width) throw expected('features', 'square images', `${width}x${side}`);
  if (data.count < 20) throw expected('features', 'at least 20 images', data.count);
  const { labelOf } = data;
  const task = labelOf && data.labels.length > 1 ? 'labels' : 'rotations';
  const order = permutation(seed, 'features/split', data.count);
  const heldOut = Math.min(MOST_HELD_OUT, Math.floor(data.count / 10));
  const learnt = order.subarray(heldOut);
  const size = side * width * channels;

  const read = async (indices: Uint32Array, stream: string, start: number): Promise<Lesson> => {
    const { data: values } = await data.read(indices);
    const images = values as Uint8Array;
    if (task === 'labels') {
      return { pixels: images, classes: Int32Array.from(indices, (index) => labelOf![index]!) };
    }
    const turns = uniform(seed, stream, start, indices.length, 0, QUARTERS);
    const classes = Int32Array.from(turns, (value) => Math.min(QUARTERS - 1, Math.floor(value)));
    const pixels = new Uint8Array(images.length);
    for (let i = 0; i < indices.length; i++) {
      const [from, to] = [i * size, (i + 1) * size];
      turn(images.subarray(from, to), pixels.subarray(from, to), side, channels, classes[i]!);
    }
    return { pixels, classes };
  };

  return {
    task,
    classes: task === 'labels' ? data.labels.length : QUARTERS,
    heldOut,
    draw: (start, count) => {
      const places = batchIndices(seed, learnt.length, start, count);
      return read(
        places.map((place) => learnt[place]!),
        'features/turns',
        start,
      );
    },
    drawHeldOut: (start, count) =>
      read(order.slice(start, Math.min(heldOut, start + count)), 'features/held-out', start),
  };
}
