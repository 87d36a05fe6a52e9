/** The flags of `ganx train`. What each means for a training is the training room's business (src/train/options.ts). */
import { modelNames } from '../../models/index.js';
import { expected } from '../core/errors.js';
import { BUILT_IN } from '../data/index.js';
import { ENGINES, engineNames, recipeNames } from '../train/index.js';
import { anyText, knownName, MAX_SEED, realNumber, wholeNumber } from './flags.js';

const MAX_IMAGES = 1e12;
const BY_MODEL = 'as the model says';

/** Reads `0:50000`. */
function readRows(text: string, flag: string): readonly [number, number] {
  const [first, end] = /^\d+:\d+$/.test(text) ? text.split(':').map(Number) : [];
  if (first !== undefined && end !== undefined && first < end && Number.isSafeInteger(end))
    return [first, end];
  throw expected(flag, 'two row numbers FIRST:END, the first below the second', text);
}

export const trainFlags = {
  data: {
    describe: `folder or zip of images, IDX, CIFAR-10 .bin, .npy, or ${BUILT_IN.join(', ')}`,
    read: anyText,
  },
  model: { describe: `network: ${modelNames.join(', ')}`, read: anyText },
  recipe: {
    describe: `a paper's whole set-up, in the place of --model: ${recipeNames.join(', ')}`,
    read: anyText,
  },
  from: {
    describe: 'run or snapshot whose weights the generator begins with, where names and shapes agree',
    read: anyText,
  },
  rows: {
    describe: 'part of the data, as FIRST:END, counted from 0 and without the end',
    initially: 'all, or as the recipe says',
    read: readRows,
  },
  images: { describe: 'real images to show in all', initially: BY_MODEL, read: wholeNumber(1, MAX_IMAGES) },
  batch: { describe: 'images per step', initially: BY_MODEL, read: wholeNumber(1, 65536) },
  seed: { describe: 'seed of everything random', initially: 0, read: wholeNumber(0, MAX_SEED) },
  engine: {
    describe: `what runs the step: auto, ${engineNames.map((name) => `${name} (${ENGINES[name].describe})`).join(', ')}`,
    initially: 'auto, the fastest that works here',
    read: knownName(['auto', ...engineNames]),
  },
  device: {
    describe: `where: ${engineNames.map((name) => `${ENGINES[name].devices.join(', ')} (${name})`).join('; ')}`,
    initially: "the engine's fastest that works here",
    read: anyText,
  },
  out: { describe: 'new run folder', initially: 'runs/DATA-MODEL', read: anyText },
  resume: { describe: 'run folder to go on with, exactly where it was', read: anyText },
  size: {
    describe: 'side of the images in pixels',
    initially: 'nearest that the model makes',
    read: wholeNumber(1, 4096),
  },
  channels: {
    describe: '1 for grey, 3 for RGB',
    initially: 'as the data',
    read: (text: string, flag: string): 1 | 3 => (knownName(['1', '3'])(text, flag) === '1' ? 1 : 3),
  },
  strict: { describe: 'refuse files that cannot be read instead of skipping them' },
  latentSize: { describe: 'length of z', initially: BY_MODEL, read: wholeNumber(1, 65536) },
  width: {
    describe: 'base number of channels (dcgan) or units (mlp)',
    initially: BY_MODEL,
    read: wholeNumber(1, 65536),
  },
  learningRate: {
    describe: 'step size of the optimizer',
    initially: BY_MODEL,
    read: realNumber(1e-12, 1e3),
  },
  learningRateDecay: {
    describe: 'what the step size is divided by after every step',
    initially: BY_MODEL,
    read: realNumber(1, 2),
  },
  emaHalfLife: {
    describe: "images after which a weight's share in the moving average has halved; 0 for no average",
    initially: BY_MODEL,
    read: realNumber(0, MAX_IMAGES),
  },
  emaRamp: {
    describe: 'that half-life is at most this share of the images seen so far',
    initially: '0.05',
    read: realNumber(1e-6, 1),
  },
  optimizer: {
    describe: 'adam or momentum',
    initially: BY_MODEL,
    read: knownName(['adam', 'momentum']),
  },
  loss: {
    describe: "the generator's loss: non-saturating or minimax",
    initially: BY_MODEL,
    read: knownName(['non-saturating', 'minimax']),
  },
  update: {
    describe: 'alternating (Algorithm 1), or simultaneous as the authors trained in 2014',
    initially: BY_MODEL,
    read: knownName(['alternating', 'simultaneous']),
  },
  discriminatorSteps: { describe: 'k of Algorithm 1', initially: BY_MODEL, read: wholeNumber(1, 100) },
  snapshotEvery: {
    describe: 'images between two snapshots',
    initially: 'a tenth of --images',
    read: wholeNumber(1, MAX_IMAGES),
  },
};
