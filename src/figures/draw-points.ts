/**
 * Fig. 2 and Fig. 3 for a generator of points: samples over the real points instead of a grid, and the curves that
 * straight lines in z become. It knows neither the page nor files.
 */
import type { FloatTensor } from '../core/tensor.js';
import type { Dataset } from '../core/types.js';
import { type Generator, toPng } from '../sample/index.js';
import type { NamedPicture } from './draw-images.js';
import { interpolateSamples } from './interpolate.js';

const POINTS = 5000;
const SIDE = 640;

/** Lines of Fig. 3, and points on each: close enough to look like curves. */
const LINES = 24;
const STEPS = 250;

/** Draws samples of the seed over as many real points, and (from two dimensions on) lines between samples. */
export async function drawPointClouds(
  generator: Generator,
  data: Dataset,
  seed: number,
): Promise<NamedPicture[]> {
  const { metadata } = generator;
  const count = Math.min(POINTS, data.count);
  const reference = (await data.read(Uint32Array.from({ length: count }, (_, i) => i))) as FloatTensor;
  const options = { reference, size: SIDE };
  const samples = await generator.sample({ count: POINTS, seed });
  const cloud: NamedPicture = {
    name: 'samples.png',
    heading: 'Figure 2: samples',
    alt: 'Plot of generated points in blue over real points in orange',
    caption: `Samples 0 to ${POINTS - 1} of seed ${seed} in blue, none left out, over the first ${count} real points in orange.`,
    png: toPng(samples.images, metadata, options),
    size: [SIDE, SIDE],
  };
  // A density has no place for a path.
  if (metadata.imageShape[2] < 2) return [cloud];
  const lines = await interpolateSamples(generator, samples, LINES, STEPS);
  const paths: NamedPicture = {
    name: 'interpolation.png',
    heading: 'Figure 3: straight lines in z',
    alt: 'Plot of the curves that straight lines between latents become, in blue over real points in orange',
    caption:
      `What ${LINES} straight lines in z become, each from one sample of seed ${seed} to the next, in ${STEPS - 1} equal steps. ` +
      'Where few points lie the generator changes fast.',
    png: toPng(lines, metadata, options),
    size: [SIDE, SIDE],
  };
  return [cloud, paths];
}
