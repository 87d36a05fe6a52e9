/**
 * The theory of section 4 in one dimension, on a grid of cells: densities, D's optimum, the value of the game and
 * JSD. Pure, so that a page can use it; it knows no network. All logarithms are natural.
 * https://arxiv.org/abs/1406.2661
 */
import { uniform } from '../core/random.js';

/** Equal cells from `low` to `high`. A density on a grid is one value a cell: the cell's probability over its width. */
export interface Grid {
  readonly low: number;
  readonly high: number;
  readonly cells: number;
}

/** A Gaussian of a mixture; weights are relative. */
export interface Mode {
  readonly weight: number;
  readonly mean: number;
  readonly sigma: number;
}

/** Width of a cell. */
export function cellWidth({ low, high, cells }: Grid): number {
  return (high - low) / cells;
}

/** The middle of each cell. */
export function midpoints(grid: Grid): Float64Array {
  const width = cellWidth(grid);
  return Float64Array.from({ length: grid.cells }, (_, i) => grid.low + (i + 0.5) * width);
}

/** Scales cell values so that they are a density: their sum times the width is 1. */
export function normalize(values: ArrayLike<number>, grid: Grid): Float64Array {
  const all = Float64Array.from(values);
  const sum = all.reduce((total, value) => total + value, 0) * cellWidth(grid);
  return sum > 0 ? all.map((value) => value / sum) : all;
}

/** A mixture of Gaussians, as far as the grid goes. */
export function mixtureDensity(modes: readonly Mode[], grid: Grid): Float64Array {
  const at = (x: number): number =>
    modes.reduce(
      (sum, { weight, mean, sigma }) => sum + (weight / sigma) * Math.exp(-0.5 * ((x - mean) / sigma) ** 2),
      0,
    );
  return normalize(midpoints(grid).map(at), grid);
}

/**
 * Independent numbers from a density, by the inverse of its distribution function.
 *
 * @param start of the stream: numbers `start` to `start + count − 1`
 */
export function drawFrom(
  density: ArrayLike<number>,
  grid: Grid,
  seed: number,
  stream: string,
  start: number,
  count: number,
): Float32Array<ArrayBuffer> {
  const width = cellWidth(grid);
  const sums = new Float64Array(grid.cells + 1);
  for (let i = 0; i < grid.cells; i++) sums[i + 1] = sums[i]! + density[i]! * width;
  return uniform(seed, stream, start, count, 0, sums[grid.cells]).map((share) => {
    let first = 0;
    let last = grid.cells - 1;
    while (first < last) {
      const middle = (first + last) >> 1;
      if (sums[middle + 1]! < share) first = middle + 1;
      else last = middle;
    }
    return grid.low + (first + (share - sums[first]!) / (sums[first + 1]! - sums[first]!)) * width;
  });
}

function cellOf(x: number, { low, high, cells }: Grid): number {
  return Math.min(cells - 1, Math.max(0, Math.floor(((x - low) / (high - low)) * cells)));
}

/**
 * Histogram of samples; what lies beyond the ends counts in the end cells. With n independent samples its JSD to
 * their own distribution is not 0 but about (cells − 1) / 8n.
 */
export function histogram(samples: ArrayLike<number>, grid: Grid): Float64Array {
  const counts = new Float64Array(grid.cells);
  for (let i = 0; i < samples.length; i++) counts[cellOf(samples[i]!, grid)]! += 1;
  return normalize(counts, grid);
}

/**
 * The density of x = G(z) for z uniform on an interval, from G at evenly spaced z in rising order: each piece between
 * two neighbours spreads its share evenly over its stretch of x. No samples are drawn, so nothing is noisy; what is
 * left is that G is taken as straight between neighbours. Beyond the ends counts in the end cells.
 */
export function pushForward(images: ArrayLike<number>, grid: Grid): Float64Array {
  const { low, cells } = grid;
  const width = cellWidth(grid);
  const shares = new Float64Array(cells);
  for (let i = 1; i < images.length; i++) {
    const from = Math.min(images[i - 1]!, images[i]!);
    const to = Math.max(images[i - 1]!, images[i]!);
    const first = cellOf(from, grid);
    const last = cellOf(to, grid);
    for (let cell = first; cell <= last; cell++) {
      // The end cells reach to infinity.
      const begin = cell === first ? from : low + cell * width;
      const end = cell === last ? to : low + (cell + 1) * width;
      shares[cell]! += to > from ? (end - begin) / (to - from) : 1;
    }
  }
  return normalize(shares, grid);
}

/** ∫ p·log(p/m) over the grid. */
function divergence(p: ArrayLike<number>, m: (cell: number) => number, grid: Grid): number {
  let sum = 0;
  for (let i = 0; i < grid.cells; i++) if (p[i]! > 0) sum += p[i]! * Math.log(p[i]! / m(i));
  return sum * cellWidth(grid);
}

/** JSD(p‖q) in nats, 0 to log 2. Theorem 1: max_D V = −log 4 + 2·JSD. */
export function jensenShannon(p: ArrayLike<number>, q: ArrayLike<number>, grid: Grid): number {
  const middle = (cell: number): number => (p[cell]! + q[cell]!) / 2;
  return (divergence(p, middle, grid) + divergence(q, middle, grid)) / 2;
}

/** D* = p_data / (p_data + p_g) (proposition 1); NaN where neither has any mass, since any D is optimal there. */
export function optimalDiscriminator(data: ArrayLike<number>, generated: ArrayLike<number>): Float64Array {
  return Float64Array.from({ length: data.length }, (_, i) => data[i]! / (data[i]! + generated[i]!));
}

/** log(1 + eˣ) without overflow. */
function softplus(x: number): number {
  return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
}

/** D = σ(logit). */
export function sigmoid(logits: ArrayLike<number>): Float64Array {
  return Float64Array.from(logits, (logit) => 1 / (1 + Math.exp(-logit)));
}

/** V(D, G) of equation 1: ∫ p_data·log D + p_g·log(1 − D), from D's logit in the middle of each cell. */
export function gameValue(
  data: ArrayLike<number>,
  generated: ArrayLike<number>,
  logits: ArrayLike<number>,
  grid: Grid,
): number {
  let sum = 0;
  for (let i = 0; i < grid.cells; i++) {
    sum -= data[i]! * softplus(-logits[i]!) + generated[i]! * softplus(logits[i]!);
  }
  return sum * cellWidth(grid);
}

/** Cells where a density is at least a hundredth of its peak: what is meant by its support. */
export function supportOf(density: ArrayLike<number>): number[] {
  const peak = Math.max(...Array.from(density));
  return Array.from(density).flatMap((value, cell) => (value >= peak / 100 ? [cell] : []));
}

/** Mean of |a − b| over some cells; `b` may be one number. */
export function meanGap(
  a: ArrayLike<number>,
  b: ArrayLike<number> | number,
  cells: readonly number[],
): number {
  const gap = (cell: number): number => Math.abs(a[cell]! - (typeof b === 'number' ? b : b[cell]!));
  return cells.reduce((sum, cell) => sum + gap(cell), 0) / cells.length;
}
