/**
 * Where everything lies in the kernels' memory: weights and biases as they are needed, once; then room for what
 * becomes of the samples. Addresses are multiples of 16 bytes. It does not compute.
 */
import { GanError } from '../../src/core/errors.js';
import { sizeOf } from '../../src/core/tensor.js';
import type { Constant } from './constants.js';
import type { Kernels } from './kernels.js';
import { PANEL } from './multiply-kernels.js';
import { NAME } from './unsupported.js';

const PAGE_BYTES = 65536;
/** Kernels may read or write a panel's row beyond the end of whatever they work on. */
const SLACK_BYTES = PANEL * 4 + 16;

/** A stack of areas in the memory of WebAssembly, which only grows. */
export class Arena {
  readonly #memory: WebAssembly.Memory;
  #end = 0;

  constructor(memory: WebAssembly.Memory) {
    this.#memory = memory;
  }

  /** Bytes in use so far. */
  get end(): number {
    return this.#end;
  }

  /** Takes everything back that lies at an address or after it. */
  release(address: number): void {
    this.#end = address;
  }

  /**
   * An area for so many float32, and somewhat more.
   *
   * @returns its address
   * @throws GanError `RUNTIME_UNAVAILABLE` when there is no more memory
   */
  allocate(count: number): number {
    const address = this.#end;
    this.#end = Math.ceil((address + count * 4 + SLACK_BYTES) / 16) * 16;
    const pages = Math.ceil(this.#end / PAGE_BYTES) - this.#memory.buffer.byteLength / PAGE_BYTES;
    if (pages > 0) this.#grow(pages);
    return address;
  }

  /** A constant's numbers in an area of their own, followed by zeros up to `count`; zeros alone without one. */
  place(constant: Constant | undefined, count: number): number {
    const address = this.allocate(count);
    const size = constant === undefined ? 0 : sizeOf(constant.shape);
    this.view(address + size * 4, count - size).fill(0);
    constant?.writeFloats(this.view(address, size));
    return address;
  }

  /** The numbers of an area; to be used before the memory grows again. */
  view(address: number, count: number): Float32Array {
    return new Float32Array(this.#memory.buffer, address, count);
  }

  #grow(pages: number): void {
    try {
      this.#memory.grow(pages);
    } catch (cause) {
      const message = `Expected ${this.#end} bytes of memory, got \`no more\`. Draw fewer samples at once.`;
      throw new GanError('RUNTIME_UNAVAILABLE', NAME, message, { cause });
    }
  }
}

/** Panels that so many columns take. */
export function panelsOf(columns: number): number {
  return Math.ceil(columns / PANEL);
}

/** Places a matrix [depth, columns] as the panels of a product's right side. */
export function placePanels(arena: Arena, kernels: Kernels, matrix: Constant): number {
  const [depth, columns] = matrix.shape as [number, number];
  const panels = panelsOf(columns);
  const address = arena.allocate(panels * PANEL * depth);
  const source = arena.place(matrix, depth * columns);
  kernels.pack(source, address, depth, panels, columns * 4);
  arena.release(source);
  return address;
}

/** Places a matrix of so many rows turned: its columns one after the other. */
export function placeTurned(arena: Arena, kernels: Kernels, matrix: Constant, rows: number): number {
  const size = sizeOf(matrix.shape);
  const address = arena.allocate(size);
  const source = arena.place(matrix, size);
  kernels.transpose(source, address, rows, size / rows);
  arena.release(source);
  return address;
}
