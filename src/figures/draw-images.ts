/**
 * Fig. 2 and Fig. 3 for a generator of images: fair draws with their nearest training examples, and lines in z.
 * It knows neither the page nor files.
 * https://arxiv.org/abs/1406.2661
 */
import { plainTensor, sizeOf } from '../core/tensor.js';
import type { Dataset } from '../core/types.js';
import { type DistanceOptions, toPixels } from '../measure/index.js';
import { encodePng, type Generator, toBytes } from '../sample/index.js';
import { interpolateSamples } from './interpolate.js';
import { findNearestItems, type ToNetwork } from './nearest-items.js';
import type { PagePicture } from './page.js';
import { drawRows, drawSampleGrid } from './sample-grid.js';

/** As in the paper: five rows of five samples, and a column of training examples. */
const ROWS = 5;
const COLUMNS = 5;

/** Rows and images in a row of Fig. 3. */
const LINES = 5;
const STEPS = 11;

/** A picture of the page under its file's name. */
export interface NamedPicture extends PagePicture {
  readonly name: string;
}

/** The numbers behind the pictures of images. */
export interface ImageFacts {
  readonly nearest: readonly {
    /** Number of the sample of the seed. */
    readonly sample: number;
    /** Number of the nearest item of the training data. */
    readonly item: number;
    /** Euclidean, with pixels in [0, 1]. */
    readonly distance: number;
  }[];
  readonly interpolation: { readonly steps: number; readonly ends: readonly (readonly [number, number])[] };
}

/**
 * Draws samples 0 to 24 of the seed, in order, and the lines between the first ten.
 *
 * @throws the signal's reason when aborted
 */
export async function drawImages(
  generator: Generator,
  data: Dataset,
  seed: number,
  options: DistanceOptions & { readonly toNetwork?: ToNetwork | undefined } = {},
): Promise<{ pictures: NamedPicture[]; facts: ImageFacts }> {
  const { imageRange, imageShape } = generator.metadata;
  const samples = await generator.sample({ count: ROWS * COLUMNS, seed, signal: options.signal });
  const bytes = toBytes(samples.images, imageRange);

  const size = sizeOf(imageShape);
  const neighbours = Array.from({ length: ROWS }, (_, row) => row * COLUMNS + COLUMNS - 1);
  const values = new Float32Array(ROWS * size);
  for (const [row, i] of neighbours.entries()) {
    values.set(samples.images.data.subarray(i * size, (i + 1) * size), row * size);
  }
  const pixels = toPixels(plainTensor(values, [ROWS, ...imageShape]), imageRange);
  const { nearest, items } = await findNearestItems(pixels, data, { ...options, imageRange });
  const grid = drawSampleGrid(bytes, items, COLUMNS);

  const lines = await interpolateSamples(generator, samples, LINES, STEPS);
  const strip = drawRows(toBytes(lines, imageRange), STEPS);

  const distances = nearest.map(({ distance }) => distance.toFixed(2)).join(', ');
  return {
    pictures: [
      {
        name: 'samples.png',
        heading: 'Figure 2: samples, and the nearest training examples',
        alt: `${ROWS} rows of ${COLUMNS} generated images, each followed by a training image in a yellow frame`,
        caption:
          `Fair random draws: samples 0 to ${ROWS * COLUMNS - 1} of seed ${seed} in order, none left out. The framed column shows the ` +
          'training example nearest to the sample on its left, by Euclidean distance of pixels from black 0 to white 1' +
          `${options.toNetwork ? ', with its contrast normalised as in training' : ''}: ` +
          `${distances} from top to bottom.`,
        png: encodePng(grid),
        size: [grid.shape[1]!, grid.shape[0]!],
      },
      {
        name: 'interpolation.png',
        heading: 'Figure 3: straight lines in z',
        alt: `${LINES} rows of ${STEPS} generated images, each row changing step by step from one sample to another`,
        caption:
          `Each row goes in ${STEPS - 1} equal steps on a straight line in z from one sample to the next: ` +
          `samples 0 to 1, 2 to 3 and so on of seed ${seed}.`,
        png: encodePng(strip),
        size: [strip.shape[1]!, strip.shape[0]!],
      },
    ],
    facts: {
      nearest: nearest.map(({ index, distance }, row) => ({
        sample: neighbours[row]!,
        item: index,
        distance,
      })),
      interpolation: {
        steps: STEPS,
        ends: Array.from({ length: LINES }, (_, row) => [2 * row, 2 * row + 1] as const),
      },
    },
  };
}
