/**
 * Squared Euclidean distances between all rows of two matrices, block by block, in float64: ‖x‖² + ‖y‖² − 2·x·y.
 * It knows nothing of what the distances are for.
 */
import { openWorkspace, PANEL, type Workspace } from './products.js';
import type { ProductsModule } from './products-assembly.js';
import type { Rows } from './rows.js';

/** References of a block at most, and half as many queries: enough work for each row that is laid out. */
const MOST_ROWS = 512;
/** Values of a block at most, 16 MiB: wide rows come in smaller blocks. */
const MOST_VALUES = 2 ** 21;
/** Rows that tell how much of a matrix is zero. */
const PROBED_ROWS = 64;

/**
 * Called for one query and some references in a row.
 *
 * @param reference number of the first reference
 * @param distances squared, [at least `count`]; valid during the call
 */
export type VisitDistances = (
  query: number,
  reference: number,
  distances: Float64Array,
  count: number,
) => void;

/** Rows `from` to `to - 1` in float64; one type of array here spares the loops behind it from three. */
function takeBlock({ data, width, scale }: Rows, from: number, to: number): Float64Array {
  const block = new Float64Array(data.subarray(from * width, to * width));
  if (scale !== 1) for (let i = 0; i < block.length; i++) block[i]! *= scale;
  return block;
}

/** ‖x‖² of every row, summed in the order of the products, so that equal rows are at distance 0 exactly. */
function squareNorms(block: Float64Array, width: number): Float64Array {
  const norms = new Float64Array(block.length / width);
  for (let row = 0; row < norms.length; row++) {
    const end = (row + 1) * width;
    let sum = 0;
    for (let i = row * width; i < end; i++) sum += block[i]! * block[i]!;
    norms[row] = sum;
  }
  return norms;
}

/** Share of values that are not zero, by some of the rows. */
function densityOf({ data, width, count }: Rows): number {
  const step = Math.max(1, Math.floor(count / PROBED_ROWS));
  let filled = 0;
  let seen = 0;
  for (let row = 0; row < count; row += step, seen += width) {
    for (let i = row * width; i < (row + 1) * width; i++) if (data[i] !== 0) filled++;
  }
  return filled / seen;
}

/**
 * Visits the squared distances of queries `from` to `to - 1` from every reference; the references of one query come in
 * order. The error is that of float64, some 1e-13 for pixels in [0, 1]; equal rows are at distance 0.
 *
 * @param module null to compute without WebAssembly, with the same bits
 */
export function visitDistances(
  queries: Rows,
  from: number,
  to: number,
  references: Rows,
  visit: VisitDistances,
  module?: ProductsModule | null,
): void {
  // The side with more zeros is kept as lists.
  const turned = densityOf(references) < densityOf(queries);
  const { width } = queries;
  const most = Math.max(PANEL, Math.min(MOST_ROWS, Math.floor(MOST_VALUES / width)));
  const work = openWorkspace(most, width, module);
  const distances = new Float64Array(most);
  for (let first = from; first < to; first += Math.ceil(most / 2)) {
    const last = Math.min(to, first + Math.ceil(most / 2));
    const block = takeBlock(queries, first, last);
    const queryNorms = squareNorms(block, width);
    if (turned) work.setPanels(block);
    else work.setLists(block);
    for (let start = 0; start < references.count; start += most) {
      const other = takeBlock(references, start, Math.min(references.count, start + most));
      const norms = squareNorms(other, width);
      if (turned) work.setLists(other);
      else work.setPanels(other);
      work.multiply();
      for (let query = first; query < last; query++) {
        fillDistances(work, turned, query - first, queryNorms[query - first]!, norms, distances);
        visit(query, start, distances, norms.length);
      }
    }
  }
}

/** The distances of one query of a block from all references of a block. */
function fillDistances(
  { products, placeOf }: Workspace,
  turned: boolean,
  query: number,
  norm: number,
  norms: Float64Array,
  out: Float64Array,
): void {
  const step = turned ? PANEL : 1;
  for (let piece = 0; piece < norms.length; piece += PANEL) {
    let at = turned ? placeOf(piece, query) : placeOf(query, piece);
    const end = Math.min(norms.length, piece + PANEL);
    for (let i = piece; i < end; i++, at += step) {
      const square = norm + norms[i]! - 2 * products[at]!;
      out[i] = square > 0 ? square : 0;
    }
  }
}
