/**
 * Squared Euclidean distances between all rows of two matrices, block by block, in float64: ‖x‖² + ‖y‖² − 2·x·y.
 * One side of the products is kept as lists of what is not zero (four pixels in five of MNIST are black), the other as
 * panels of eight rows side by side. It knows nothing of what the distances are for.
 */
import type { Rows } from './rows.js';

/** Rows of a panel: as many sums as fit into registers beside their factors. */
const PANEL = 8;
/** Queries and references of a block: both sides of it, and its distances, stay in a core's cache. */
const BLOCK_QUERIES = 128;
const BLOCK_REFERENCES = 512;
/** Rows that tell how much of a matrix is zero. */
const PROBED_ROWS = 64;

/** Values that are not zero, row by row: those of row i lie from `starts[i]` to `starts[i + 1]`. */
interface Lists {
  readonly starts: Int32Array;
  /** Column times {@link PANEL}. */
  readonly places: Int32Array;
  readonly values: Float64Array;
}

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

function toLists({ data, width, scale }: Rows, from: number, to: number): Lists {
  const starts = new Int32Array(to - from + 1);
  let filled = 0;
  for (let i = from * width; i < to * width; i++) if (data[i] !== 0) filled++;
  const places = new Int32Array(filled);
  const values = new Float64Array(filled);
  let at = 0;
  for (let row = from; row < to; row++) {
    for (let column = 0; column < width; column++) {
      const value = data[row * width + column]!;
      if (value === 0) continue;
      places[at] = column * PANEL;
      values[at++] = value * scale;
    }
    starts[row - from + 1] = at;
  }
  return { starts, places, values };
}

/** Rows as panels [⌈n/8⌉, width, 8]; the last is filled up with zeros. */
function toPanels({ data, width, scale }: Rows, from: number, to: number): Float64Array {
  const panels = new Float64Array(Math.ceil((to - from) / PANEL) * PANEL * width);
  for (let row = from; row < to; row++) {
    const place = row - from;
    let at = Math.floor(place / PANEL) * PANEL * width + (place % PANEL);
    const start = row * width;
    for (let column = 0; column < width; column++, at += PANEL) panels[at] = data[start + column]! * scale;
  }
  return panels;
}

/** ‖x‖² of some rows, summed in the order of {@link multiply}, so that equal rows are at distance 0 exactly. */
function squareNorms({ data, width, scale }: Rows, from: number, to: number): Float64Array {
  const norms = new Float64Array(to - from);
  for (let row = from; row < to; row++) {
    let sum = 0;
    for (let i = row * width; i < (row + 1) * width; i++) {
      const value = data[i]! * scale;
      sum += value * value;
    }
    norms[row - from] = sum;
  }
  return norms;
}

/** Products of one list with the eight rows of a panel, written `stride` apart. */
function multiply(
  { starts, places, values }: Lists,
  row: number,
  panels: Float64Array,
  panel: number,
  out: Float64Array,
  at: number,
  stride: number,
): void {
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  let s4 = 0;
  let s5 = 0;
  let s6 = 0;
  let s7 = 0;
  const end = starts[row + 1]!;
  for (let i = starts[row]!; i < end; i++) {
    const value = values[i]!;
    const place = panel + places[i]!;
    s0 += value * panels[place]!;
    s1 += value * panels[place + 1]!;
    s2 += value * panels[place + 2]!;
    s3 += value * panels[place + 3]!;
    s4 += value * panels[place + 4]!;
    s5 += value * panels[place + 5]!;
    s6 += value * panels[place + 6]!;
    s7 += value * panels[place + 7]!;
  }
  out[at] = s0;
  out[at + stride] = s1;
  out[at + 2 * stride] = s2;
  out[at + 3 * stride] = s3;
  out[at + 4 * stride] = s4;
  out[at + 5 * stride] = s5;
  out[at + 6 * stride] = s6;
  out[at + 7 * stride] = s7;
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

/** All products of two blocks, [lists, panels · 8] with rows of `stride`, or (`turned`) the other way round. */
function multiplyBlock(
  lists: Lists,
  panels: Float64Array,
  width: number,
  out: Float64Array,
  stride: number,
  turned: boolean,
): void {
  const rows = lists.starts.length - 1;
  const size = PANEL * width;
  for (let panel = 0; panel * size < panels.length; panel++) {
    const first = panel * PANEL;
    for (let row = 0; row < rows; row++) {
      const at = turned ? first * stride + row : row * stride + first;
      multiply(lists, row, panels, panel * size, out, at, turned ? stride : 1);
    }
  }
}

/**
 * Visits the squared distances of queries `from` to `to - 1` from every reference; the references of one query come in
 * order. The error is that of float64, some 1e-13 for pixels in [0, 1]; equal rows are at distance 0.
 */
export function visitDistances(
  queries: Rows,
  from: number,
  to: number,
  references: Rows,
  visit: VisitDistances,
): void {
  const { width } = queries;
  const turned = densityOf(references) < densityOf(queries);
  const out = new Float64Array((BLOCK_QUERIES + PANEL) * (BLOCK_REFERENCES + PANEL));
  const stride = BLOCK_REFERENCES + PANEL;
  for (let first = from; first < to; first += BLOCK_QUERIES) {
    const last = Math.min(to, first + BLOCK_QUERIES);
    const queryNorms = squareNorms(queries, first, last);
    const queryLists = turned ? undefined : toLists(queries, first, last);
    const queryPanels = turned ? toPanels(queries, first, last) : undefined;
    for (let start = 0; start < references.count; start += BLOCK_REFERENCES) {
      const end = Math.min(references.count, start + BLOCK_REFERENCES);
      const norms = squareNorms(references, start, end);
      const lists = queryLists ?? toLists(references, start, end);
      const panels = queryPanels ?? toPanels(references, start, end);
      multiplyBlock(lists, panels, width, out, stride, turned);
      for (let query = first; query < last; query++) {
        const distances = out.subarray((query - first) * stride, (query - first + 1) * stride);
        const norm = queryNorms[query - first]!;
        for (let i = 0; i < end - start; i++) {
          distances[i] = Math.max(0, norm + norms[i]! - 2 * distances[i]!);
        }
        visit(query, start, distances, end - start);
      }
    }
  }
}
