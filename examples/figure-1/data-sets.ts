/**
 * What can be trained on in each tab, by name; all of it follows from the seed. Hand-drawn data and a visitor's own
 * images come from elsewhere.
 */
import { normal, uniform } from '../../src/core/random.js';
import { drawDigit } from '../../src/data/draw-digit.js';
import { type Mode, mixtureDensity } from '../../src/measure/one-dimension.js';
import { type Data, type Kind, LINE } from './messages.js';

/** A choice in the list of data. */
export interface DataSet {
  readonly name: string;
  /** Undefined: the visitor brings it. */
  readonly make: (() => Data) | undefined;
}

const POINTS = 12_000;
const DIGITS = 4000;
/** Sides of the digits. */
export const IMAGE_SIZE = 14;

function line(...modes: Mode[]): () => Data {
  return () => ({ kind: 'line', density: mixtureDensity(modes, LINE) });
}

/** Equally likely Gaussians around centres. */
function cloud(name: string, centres: readonly (readonly [number, number])[], sigma: number): () => Data {
  return () => {
    const which = uniform(0, `${name}/mode`, 0, POINTS, 0, centres.length);
    const noise = normal(0, `${name}/noise`, 0, 2 * POINTS);
    const points = noise.map((value, i) => {
      const centre = centres[Math.min(centres.length - 1, Math.floor(which[i >> 1]!))]!;
      return centre[i % 2]! + sigma * value;
    });
    return { kind: 'plane', points };
  };
}

const TURN = Array.from({ length: 8 }, (_, i) => (i * Math.PI) / 4);
const RING = TURN.map((angle): [number, number] => [0.75 * Math.cos(angle), 0.75 * Math.sin(angle)]);
const GRID = [-0.7, 0, 0.7].flatMap((y) => [-0.7, 0, 0.7].map((x): [number, number] => [x, y]));
const SPIRAL = Array.from({ length: 60 }, (_, i): [number, number] => {
  const [angle, radius] = [(i / 59) * 3.2 * Math.PI, 0.12 + (0.75 * i) / 59];
  return [radius * Math.cos(angle), radius * Math.sin(angle)];
});

function makeDigits(labels: readonly number[]): () => Data {
  return () => {
    const pixels = new Uint8Array(DIGITS * IMAGE_SIZE ** 2);
    for (let i = 0; i < DIGITS; i++) {
      const index = Math.floor(i / labels.length) * 10 + labels[i % labels.length]!;
      pixels.set(drawDigit(0, index, IMAGE_SIZE), i * IMAGE_SIZE ** 2);
    }
    return { kind: 'images', size: IMAGE_SIZE, pixels };
  };
}

/** The choices of each tab; the first is the one to begin with. */
export const DATA_SETS: Readonly<Record<Kind, Readonly<Record<string, DataSet>>>> = {
  line: {
    gaussian: { name: 'A Gaussian', make: line({ weight: 1, mean: 0.2, sigma: 0.25 }) },
    mixture: {
      name: 'A mixture of two',
      make: line({ weight: 0.5, mean: -0.4, sigma: 0.12 }, { weight: 0.5, mean: 0.35, sigma: 0.18 }),
    },
    hand: { name: 'Drawn by hand', make: undefined },
  },
  plane: {
    ring: { name: 'A ring of eight', make: cloud('ring', RING, 0.05) },
    grid: { name: 'A grid of nine', make: cloud('grid', GRID, 0.06) },
    spiral: { name: 'A spiral', make: cloud('spiral', SPIRAL, 0.03) },
    hand: { name: 'Drawn by hand', make: undefined },
  },
  images: {
    digits: { name: 'Digits, 0 to 9', make: makeDigits([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]) },
    threes: { name: 'Threes only', make: makeDigits([3]) },
    own: { name: 'Your own images', make: undefined },
  },
};
