/**
 * How learning rate, momentum and the weight average change in the course of training: plain functions of counters,
 * so that resuming needs nothing but the counters.
 */

/** max(initial / decayᵗ, minimum) after t steps; the 2014 code used 1.000004 and 1e-6. */
export interface RateSchedule {
  readonly initial: number;
  readonly decay: number;
  readonly minimum: number;
}

/** From `initial` to `final` in a straight line over `epochs`; the 2014 code went from 0.5 to 0.7 over 249. */
export interface MomentumSchedule {
  readonly initial: number;
  readonly final: number;
  readonly epochs: number;
}

/** Learning rate after `steps` steps. */
export function rateAt({ initial, decay, minimum }: RateSchedule, steps: number): number {
  return Math.max(initial / decay ** steps, Math.min(minimum, initial));
}

/** Momentum in epoch number `epoch`, counted from 0. */
export function momentumAt({ initial, final, epochs }: MomentumSchedule, epoch: number): number {
  return initial + (final - initial) * Math.min(1, epochs > 0 ? epoch / epochs : 1);
}

/**
 * Share of the old average that stays after a step of `batch` images, so that a weight's share halves every
 * `halfLife` images; shorter at the beginning (`ramp` times the images seen), so that the random start is forgotten.
 */
export function averageDecay(halfLife: number, ramp: number, batch: number, imagesSeen: number): number {
  const half = Math.min(halfLife, imagesSeen * ramp);
  return half > 0 ? 0.5 ** (batch / half) : 0;
}
