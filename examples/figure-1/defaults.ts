/**
 * The games as they begin, found by trying: what leads each kind of data calmly to p_g = p_data.
 */
import { DATA_SETS } from './data-sets.js';
import type { Kind, Plan } from './messages.js';

/** The rules without data, seed and device. */
export type Rules = Pick<Plan, 'loss' | 'k' | 'rateD' | 'rateG' | 'halving' | 'width' | 'batch'>;

export const CALM: Readonly<Record<Kind, Rules>> = {
  line: { loss: 'non-saturating', k: 3, rateD: 1e-2, rateG: 5e-4, halving: 1000, width: 64, batch: 256 },
  plane: { loss: 'non-saturating', k: 1, rateD: 4e-3, rateG: 1e-3, halving: 2000, width: 64, batch: 256 },
  images: { loss: 'non-saturating', k: 1, rateD: 2e-3, rateG: 2e-3, halving: 0, width: 200, batch: 64 },
};

/** Widths that can be chosen. */
export const WIDTHS: Readonly<Record<Kind, readonly number[]>> = {
  line: [16, 32, 64, 128],
  plane: [32, 64, 128],
  images: [100, 200, 400],
};

/** G is moved far, D hardly at all: where D stands still, G runs to where D is highest. */
export const HELVETICA: Pick<Plan, 'k' | 'rateG' | 'halving'> = { k: 0.02, rateG: 2e-3, halving: 0 };

/** Steps between two pictures that can be chosen, and the choice to begin with. */
export const SPEEDS: readonly number[] = [1, 2, 5, 10, 20, 50, 100];
export const FIRST_SPEED: Readonly<Record<Kind, number>> = { line: 10, plane: 10, images: 10 };

/** The plan of a tab before anybody has changed it. */
export function firstPlan(kind: Kind): Plan {
  const first = Object.values(DATA_SETS[kind])[0]!;
  return { data: first.make!(), ...CALM[kind], seed: 0, device: 'wasm' };
}
