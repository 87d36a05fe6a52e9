/**
 * Products of every row of one block with every row of another, in float64. One block is kept as lists of what is not
 * zero (four pixels in five of MNIST are black), the other as panels of sixteen rows side by side. It knows nothing of
 * distances.
 */
import { type ProductsModule, productsModule } from './products-assembly.js';

/** Rows of a panel: as many sums as fit into the vector registers of a processor. */
export const PANEL = 16;
const VALUE_BYTES = 8;
/** Rows of a panel whose sums JavaScript keeps in registers. */
const HALF = 8;
const PAGE_BYTES = 65536;

/** Memory for two blocks and their products; a new workspace may take the memory of the one before. */
export interface Workspace {
  /** Takes rows [n, width] as lists. */
  setLists(block: Float64Array): void;
  /** Takes rows [n, width] as panels. */
  setPanels(block: Float64Array): void;
  /** Multiplies; row i of the lists times row j of the panels is {@link Workspace.products} at `placeOf(i, j)`. */
  multiply(): void;
  readonly products: Float64Array;
  placeOf(list: number, row: number): number;
}

/** The same products as the module's, in the same order: eight rows of a panel at a time. */
function multiplyHere(
  counts: Int32Array,
  places: Int32Array,
  values: Float64Array,
  panels: Float64Array,
  panel: number,
  products: Float64Array,
  out: number,
): void {
  for (let row = 0, start = 0; row < counts.length; row++) {
    const end = start + counts[row]!;
    for (let half = 0; half < PANEL; half += HALF) {
      const first = panel + half;
      let [s0, s1, s2, s3, s4, s5, s6, s7] = [0, 0, 0, 0, 0, 0, 0, 0];
      for (let i = start; i < end; i++) {
        const value = values[i]!;
        const at = first + (places[i]! >> 3);
        s0 += value * panels[at]!;
        s1 += value * panels[at + 1]!;
        s2 += value * panels[at + 2]!;
        s3 += value * panels[at + 3]!;
        s4 += value * panels[at + 4]!;
        s5 += value * panels[at + 5]!;
        s6 += value * panels[at + 6]!;
        s7 += value * panels[at + 7]!;
      }
      products.set([s0, s1, s2, s3, s4, s5, s6, s7], out + row * PANEL + half);
    }
    start = end;
  }
}

/** Memory of at least so many bytes: the module's own, grown where needed, or JavaScript's. */
function takeMemory(module: ProductsModule | null, bytes: number): ArrayBuffer {
  if (!module) return new ArrayBuffer(bytes);
  const missing = bytes - module.memory.buffer.byteLength;
  if (missing > 0) module.memory.grow(Math.ceil(missing / PAGE_BYTES));
  return module.memory.buffer;
}

/**
 * Makes room for blocks of rows.
 *
 * @param most   rows of either block at most
 * @param width  values of a row
 * @param module null to compute in JavaScript
 */
export function openWorkspace(most: number, width: number, module = productsModule()): Workspace {
  const rows = Math.ceil(most / PANEL) * PANEL;
  const panelsAt = rows * rows * VALUE_BYTES;
  const valuesAt = panelsAt + rows * width * VALUE_BYTES;
  const placesAt = valuesAt + rows * width * VALUE_BYTES;
  const countsAt = placesAt + rows * width * 4;
  const memory = takeMemory(module, countsAt + rows * 4);
  const products = new Float64Array(memory, 0, rows * rows);
  const panels = new Float64Array(memory, panelsAt, rows * width);
  const values = new Float64Array(memory, valuesAt, rows * width);
  const places = new Int32Array(memory, placesAt, rows * width);
  const counts = new Int32Array(memory, countsAt, rows);
  let lists = 0;
  let paneled = 0;

  return {
    products,
    placeOf: (list, row) => (row - (row % PANEL)) * lists + list * PANEL + (row % PANEL),
    setLists(block) {
      lists = block.length / width;
      let at = 0;
      for (let row = 0; row < lists; row++) {
        const before = at;
        const start = row * width;
        for (let column = 0; column < width; column++) {
          const value = block[start + column]!;
          if (value === 0) continue;
          places[at] = column * PANEL * VALUE_BYTES;
          values[at++] = value;
        }
        counts[row] = at - before;
      }
    },
    setPanels(block) {
      const size = PANEL * width;
      paneled = Math.ceil(block.length / size);
      for (let panel = 0; panel < paneled; panel++) {
        const start = panel * size;
        const end = Math.min(block.length, start + size);
        if (end < start + size) panels.fill(0, start, start + size);
        for (let column = 0; column < width; column++) {
          let at = start + column * PANEL;
          for (let from = start + column; from < end; from += width) panels[at++] = block[from]!;
        }
      }
    },
    multiply() {
      for (let panel = 0; panel < paneled; panel++) {
        const [from, out] = [panel * PANEL * width, panel * PANEL * lists];
        if (module) {
          const [panelAt, outAt] = [panelsAt + from * VALUE_BYTES, out * VALUE_BYTES];
          module.multiply(countsAt, lists, placesAt, valuesAt, panelAt, outAt);
        } else {
          multiplyHere(counts.subarray(0, lists), places, values, panels, from, products, out);
        }
      }
    },
  };
}
