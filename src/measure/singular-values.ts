/**
 * The two pieces of linear algebra that the Fréchet distance needs: a triangular root of a covariance, and the sum of
 * singular values of a matrix. Square matrices, row-major, float64.
 */

/** Rotations end when all pairs of rows are orthogonal to this cosine. */
const ORTHOGONAL = 1e-14;
/** Jacobi's method converges quadratically: some ten sweeps do; this many mean that values are not finite. */
const MOST_SWEEPS = 60;

/**
 * The lower triangle L with L·Lᵀ = A (Cholesky's method) for an A that may be singular: a pivot that is nothing but
 * rounding gives a column of zeros.
 */
export function cholesky(matrix: Float64Array, size: number): Float64Array {
  const root = new Float64Array(size * size);
  let largest = 0;
  for (let i = 0; i < size; i++) largest = Math.max(largest, matrix[i * size + i]!);
  const rounding = size * Number.EPSILON * largest;
  for (let column = 0; column < size; column++) {
    for (let row = column; row < size; row++) {
      let rest = matrix[row * size + column]!;
      for (let k = 0; k < column; k++) rest -= root[row * size + k]! * root[column * size + k]!;
      if (row > column) root[row * size + column] = rest / root[column * size + column]!;
      else if (rest > rounding) root[row * size + row] = Math.sqrt(rest);
      else break;
    }
  }
  return root;
}

/** Aᵀ·B. */
export function multiplyTransposed(a: Float64Array, b: Float64Array, size: number): Float64Array {
  const product = new Float64Array(size * size);
  for (let k = 0; k < size; k++) {
    for (let i = 0; i < size; i++) {
      const factor = a[k * size + i]!;
      if (factor === 0) continue;
      for (let j = 0; j < size; j++) product[i * size + j]! += factor * b[k * size + j]!;
    }
  }
  return product;
}

/** Turns two rows in their plane so that they are orthogonal. @returns whether they were not */
function rotate(matrix: Float64Array, p: number, q: number, size: number): boolean {
  let pp = 0;
  let qq = 0;
  let pq = 0;
  for (let k = 0; k < size; k++) {
    const [x, y] = [matrix[p + k]!, matrix[q + k]!];
    pp += x * x;
    qq += y * y;
    pq += x * y;
  }
  if (!(Math.abs(pq) > ORTHOGONAL * Math.sqrt(pp * qq))) return false;
  const zeta = (qq - pp) / (2 * pq);
  const tangent = (zeta < 0 ? -1 : 1) / (Math.abs(zeta) + Math.hypot(1, zeta));
  const cosine = 1 / Math.hypot(1, tangent);
  const sine = cosine * tangent;
  for (let k = 0; k < size; k++) {
    const [x, y] = [matrix[p + k]!, matrix[q + k]!];
    matrix[p + k] = cosine * x - sine * y;
    matrix[q + k] = sine * x + cosine * y;
  }
  return true;
}

/**
 * Sum of the singular values by the one-sided Jacobi method (M. R. Hestenes, SIAM J. 6, 1958), which finds small ones
 * as exactly as large ones.
 */
export function sumSingularValues(matrix: Float64Array, size: number): number {
  const rows = matrix.slice();
  for (let sweep = 0, turned = true; turned && sweep < MOST_SWEEPS; sweep++) {
    turned = false;
    for (let p = 0; p < size; p++) {
      for (let q = p + 1; q < size; q++) turned = rotate(rows, p * size, q * size, size) || turned;
    }
  }
  let sum = 0;
  for (let row = 0; row < size; row++) {
    let square = 0;
    for (let k = 0; k < size; k++) square += rows[row * size + k]! ** 2;
    sum += Math.sqrt(square);
  }
  return sum;
}
