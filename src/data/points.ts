/**
 * Built-in point sets whose distribution is known exactly: mixtures of Gaussians, to see modes found and lost.
 * `gaussian` is the one-dimensional kind of Fig. 1 in arXiv:1406.2661.
 */
import { normal, uniform } from '../core/random.js';
import type { DataItem } from '../core/types.js';
import { numberLabels } from './raw-images.js';
import { type DataOptions, DEFAULT_COUNT, type ItemSource } from './source.js';

/** A mixture of equally likely Gaussians of one width. */
interface Mixture {
  /** Centres, each [D]. */
  readonly centres: readonly (readonly number[])[];
  readonly sigma: number;
}

const RADIUS = 0.7;
const DIAGONAL = RADIUS * Math.SQRT1_2;
const STEPS = [-0.8, -0.4, 0, 0.4, 0.8];

/** The built-in mixtures by name. */
export const MIXTURES: Readonly<Record<string, Mixture>> = {
  ring: {
    centres: [
      [RADIUS, 0],
      [DIAGONAL, DIAGONAL],
      [0, RADIUS],
      [-DIAGONAL, DIAGONAL],
      [-RADIUS, 0],
      [-DIAGONAL, -DIAGONAL],
      [0, -RADIUS],
      [DIAGONAL, -DIAGONAL],
    ],
    sigma: 0.02,
  },
  grid: { centres: STEPS.flatMap((y) => STEPS.map((x) => [x, y])), sigma: 0.02 },
  gaussian: { centres: [[0.2]], sigma: 0.25 },
};

/** Points of a mixture, clipped to [-1, 1]; the label is the number of the Gaussian. */
export function openMixture(name: string, mixture: Mixture, options: DataOptions): ItemSource {
  const { centres, sigma } = mixture;
  const dimensions = centres[0]!.length;
  const count = options.count ?? DEFAULT_COUNT;
  return {
    name,
    kind: 'points',
    shape: [1, 1, dimensions],
    total: count,
    items: drawPoints(options.seed ?? 0, name, centres, sigma, count),
    settleLabels: (labelOf) => ({ labels: numberLabels(centres.length), labelOf }),
  };
}

async function* drawPoints(
  seed: number,
  stream: string,
  centres: Mixture['centres'],
  sigma: number,
  count: number,
): AsyncGenerator<DataItem> {
  const dimensions = centres[0]!.length;
  for (let i = 0; i < count; i++) {
    const label = Math.floor(uniform(seed, `${stream}/mode`, i, 1, 0, centres.length)[0]!);
    const values = normal(seed, `${stream}/noise`, i * dimensions, dimensions); // [D]
    for (let d = 0; d < dimensions; d++) {
      values[d] = Math.max(-1, Math.min(1, centres[label]![d]! + sigma * values[d]!));
    }
    yield { name: String(i), values, label };
  }
}
