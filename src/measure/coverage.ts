/**
 * How well points follow a mixture of Gaussians whose density is known: modes that were found, points that lie on one,
 * and the divergence of their histogram from the true one. Shows the "Helvetica scenario" of arXiv:1406.2661.
 * It knows no data set by name.
 */
import { expected } from '../core/errors.js';
import type { FloatTensor } from '../core/tensor.js';

/** Equally likely Gaussians of one width, clipped to [-1, 1]. */
export interface KnownMixture {
  /** Centres, each [D]. */
  readonly centres: readonly (readonly number[])[];
  readonly sigma: number;
}

export interface Coverage {
  readonly modes: number;
  /** Modes with at least one point within {@link WITHIN} standard deviations. */
  readonly covered: number;
  /** Share of points within as many of some mode. */
  readonly highQuality: number;
  /** Jensen-Shannon divergence in nats, 0 to log 2, of histograms over [-1, 1]^D; absent above two dimensions. */
  readonly divergence?: number;
  /** Bins along each axis. */
  readonly bins: number;
}

/** As VEEGAN counts (arXiv:1705.07761). */
export const WITHIN = 3;
/** Bins along an axis by the number of dimensions: fewer than samples, as a histogram of noise diverges too. */
const BINS: readonly number[] = [0, 100, 40];

/** P(N(0, 1) ≤ x): Simpson's rule on the density from 0 to x, in steps that leave an error below 1e-9. */
function normalBelow(x: number): number {
  const reach = Math.min(Math.abs(x), 8);
  const steps = 2 * Math.ceil(reach * 20);
  if (steps === 0) return 0.5;
  const width = reach / steps;
  let sum = 0;
  for (let i = 0; i <= steps; i++) {
    const weight = i === 0 || i === steps ? 1 : i % 2 === 1 ? 4 : 2;
    sum += weight * Math.exp(-0.5 * (i * width) ** 2);
  }
  const half = (sum * width) / (3 * Math.sqrt(2 * Math.PI));
  return x < 0 ? 0.5 - half : 0.5 + half;
}

/** Probability of each bin of [-1, 1] under a Gaussian; what was clipped lies in the outermost ones. */
function binGaussian(centre: number, sigma: number, bins: number): Float64Array {
  const below = Array.from({ length: bins + 1 }, (_, i) =>
    i === 0 ? 0 : i === bins ? 1 : normalBelow(((2 * i) / bins - 1 - centre) / sigma),
  );
  return Float64Array.from({ length: bins }, (_, i) => below[i + 1]! - below[i]!);
}

function binMixture({ centres, sigma }: KnownMixture, bins: number): Float64Array {
  const dimensions = centres[0]!.length;
  const out = new Float64Array(bins ** dimensions);
  for (const centre of centres) {
    const axes = centre.map((value) => binGaussian(value, sigma, bins));
    for (let bin = 0; bin < out.length; bin++) {
      let share = 1 / centres.length;
      for (let d = 0, rest = bin; d < dimensions; d++, rest = Math.floor(rest / bins)) {
        share *= axes[d]![rest % bins]!;
      }
      out[bin]! += share;
    }
  }
  return out;
}

function binPoints(points: Float32Array, dimensions: number, bins: number): Float64Array {
  const out = new Float64Array(bins ** dimensions);
  const count = points.length / dimensions;
  for (let row = 0; row < count; row++) {
    let bin = 0;
    for (let d = dimensions - 1; d >= 0; d--) {
      const place = Math.floor(((points[row * dimensions + d]! + 1) / 2) * bins);
      bin = bin * bins + Math.min(bins - 1, Math.max(0, place));
    }
    out[bin]! += 1 / count;
  }
  return out;
}

/** ½·KL(p‖m) + ½·KL(q‖m) with m = (p + q)/2, in nats. */
function jensenShannon(p: Float64Array, q: Float64Array): number {
  const term = (share: number, middle: number): number =>
    share > 0 ? 0.5 * share * Math.log(share / middle) : 0;
  return p.reduce((sum, share, i) => {
    const middle = (share + q[i]!) / 2;
    return sum + term(share, middle) + term(q[i]!, middle);
  }, 0);
}

/**
 * Measures points against the mixture that they should follow.
 *
 * @param points float32 [n, …] with as many values as the mixture has dimensions
 * @throws GanError `BAD_ARGUMENT` for points of another size or that hold no number
 */
export function measureCoverage({ data, shape }: FloatTensor, mixture: KnownMixture): Coverage {
  const { centres, sigma } = mixture;
  const dimensions = centres[0]!.length;
  const count = shape[0] ?? 0;
  if (count < 1 || data.length !== count * dimensions) {
    throw expected('coverage', `points of ${dimensions} dimensions`, `[${shape.join(', ')}]`);
  }
  if (data.some((value) => !Number.isFinite(value))) {
    throw expected('coverage', 'points of finite numbers', 'NaN', 'Use an earlier checkpoint.');
  }
  const found = new Set<number>();
  let good = 0;
  for (let row = 0; row < count; row++) {
    const gaps = centres.map((centre) =>
      Math.hypot(...centre.map((value, d) => value - data[row * dimensions + d]!)),
    );
    const mode = gaps.reduce((best, gap, i) => (gap < gaps[best]! ? i : best), 0);
    if (gaps[mode]! > WITHIN * sigma) continue;
    found.add(mode);
    good++;
  }
  const bins = BINS[dimensions] ?? 0;
  return {
    modes: centres.length,
    covered: found.size,
    highQuality: good / count,
    bins,
    ...(bins > 0
      ? { divergence: jensenShannon(binPoints(data, dimensions, bins), binMixture(mixture, bins)) }
      : {}),
  };
}
