/**
 * Fréchet distance between the Gaussians that fit two sets of features (arXiv:1706.08500, eq. 6):
 * ‖m − m′‖² + tr(C + C′ − 2·(C·C′)^½). On features of its own network it is no Inception FID.
 */
import { expected } from '../core/errors.js';
import { expectSameWidth, type Rows } from './rows.js';
import { cholesky, multiplyTransposed, sumSingularValues } from './singular-values.js';

/** Mean [D] and covariance [D, D] with n − 1. */
function fitGaussian({ data, width, count, scale }: Rows): { mean: Float64Array; covariance: Float64Array } {
  const mean = new Float64Array(width);
  for (let i = 0; i < count * width; i++) mean[i % width]! += data[i]! * scale;
  for (let d = 0; d < width; d++) mean[d]! /= count;
  const covariance = new Float64Array(width * width);
  const centred = new Float64Array(width);
  for (let row = 0; row < count; row++) {
    for (let d = 0; d < width; d++) centred[d] = data[row * width + d]! * scale - mean[d]!;
    for (let i = 0; i < width; i++) {
      const value = centred[i]!;
      if (value === 0) continue;
      for (let j = 0; j <= i; j++) covariance[i * width + j]! += value * centred[j]!;
    }
  }
  for (let i = 0; i < width; i++) {
    for (let j = 0; j <= i; j++) {
      covariance[i * width + j]! /= count - 1;
      covariance[j * width + i] = covariance[i * width + j]!;
    }
  }
  return { mean, covariance };
}

/**
 * The distance; small sets make it larger, so compare only figures of as many samples.
 * With C = L·Lᵀ and C′ = M·Mᵀ the eigenvalues of C·C′ are the squared singular values of Lᵀ·M, so that the trace of
 * the root is their sum and no root of a matrix that is not symmetric is needed.
 *
 * @param samples features [n, D]
 * @param reals   features [m, D]
 * @throws GanError `BAD_ARGUMENT` for widths that differ and for less than two rows
 */
export function measureFid(samples: Rows, reals: Rows): number {
  expectSameWidth('fid', samples, reals);
  const least = Math.min(samples.count, reals.count);
  if (least < 2) throw expected('fid', 'two samples and two real items at least', least);
  const { width } = samples;
  const [one, other] = [fitGaussian(samples), fitGaussian(reals)];
  const product = multiplyTransposed(
    cholesky(one.covariance, width),
    cholesky(other.covariance, width),
    width,
  );
  let distance = -2 * sumSingularValues(product, width);
  for (let d = 0; d < width; d++) {
    distance += (one.mean[d]! - other.mean[d]!) ** 2;
    distance += one.covariance[d * width + d]! + other.covariance[d * width + d]!;
  }
  return Math.max(0, distance);
}
