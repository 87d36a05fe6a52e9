/**
 * A small anti-aliased rasteriser in plain arrays, because a page, a worker and Node have no canvas in common.
 * It knows white paper, rectangles and layers of transparent ink; what they mean is up to scatter.ts.
 */
import { type PlainTensor, plainTensor } from '../core/tensor.js';

/** Red, green, blue from 0 to 1. */
export type Colour = readonly [number, number, number];

/** White paper of size × size pixels; coordinates are pixels from the upper left corner, fractions allowed. */
export class Canvas {
  readonly size: number;
  private readonly light: Float32Array; // [size, size, 3], 1 is white

  constructor(size: number) {
    this.size = size;
    this.light = new Float32Array(size * size * 3).fill(1);
  }

  /** Paints over a rectangle; pixels that it covers in part are mixed by the covered area. */
  fillRectangle(x0: number, y0: number, x1: number, y1: number, colour: Colour): void {
    for (let y = Math.max(0, Math.floor(y0)); y < Math.min(this.size, y1); y++) {
      const coverY = Math.min(y + 1, y1) - Math.max(y, y0);
      for (let x = Math.max(0, Math.floor(x0)); x < Math.min(this.size, x1); x++) {
        const cover = coverY * (Math.min(x + 1, x1) - Math.max(x, x0));
        const at = (y * this.size + x) * 3;
        for (let c = 0; c < 3; c++) this.light[at + c]! += cover * (colour[c]! - this.light[at + c]!);
      }
    }
  }

  /**
   * Lays transparent ink over what is there: depth 0 leaves it, a great depth covers it with the colour.
   *
   * @param depth [size, size]
   */
  addInk(depth: Float32Array, colour: Colour): void {
    for (let i = 0; i < depth.length; i++) {
      const cover = depth[i]! / (1 + depth[i]!);
      if (cover === 0) continue;
      for (let at = i * 3, c = 0; c < 3; c++, at++) this.light[at]! += cover * (colour[c]! - this.light[at]!);
    }
  }

  /** The picture as uint8 [size, size, 3]. */
  toPixels(): PlainTensor<Uint8Array<ArrayBuffer>> {
    const pixels = new Uint8Array(this.light.length);
    for (let i = 0; i < pixels.length; i++) pixels[i] = Math.floor(this.light[i]! * 255 + 0.5);
    return plainTensor(pixels, [this.size, this.size, 3]);
  }
}

/** Adds a disc to an ink layer [size, size], with an edge one pixel soft. */
export function addDisc(
  depth: Float32Array,
  size: number,
  x: number,
  y: number,
  radius: number,
  strength: number,
): void {
  const reach = radius + 0.5;
  for (let j = Math.max(0, Math.floor(y - reach)); j <= Math.min(size - 1, Math.floor(y + reach)); j++) {
    for (let i = Math.max(0, Math.floor(x - reach)); i <= Math.min(size - 1, Math.floor(x + reach)); i++) {
      const distance = Math.sqrt((i + 0.5 - x) ** 2 + (j + 0.5 - y) ** 2);
      depth[j * size + i]! += strength * Math.min(1, Math.max(0, reach - distance));
    }
  }
}

const GLYPHS: Readonly<Record<string, readonly number[]>> = {
  '-': [0, 0, 7, 0, 0],
  '0': [7, 5, 5, 5, 7],
  '1': [2, 6, 2, 2, 7],
};

/** Writes a whole number made of `-`, 0 and 1 (3 × 5 cells a character), centred on (x, y). */
export function drawNumber(
  canvas: Canvas,
  text: string,
  x: number,
  y: number,
  cell: number,
  colour: Colour,
): void {
  const left = Math.round(x - (text.length * 4 - 1) * cell * 0.5);
  const top = Math.round(y - 2.5 * cell);
  [...text].forEach((character, k) => {
    GLYPHS[character]?.forEach((bits, row) => {
      for (let column = 0; column < 3; column++) {
        if (((bits >> (2 - column)) & 1) === 0) continue;
        const x0 = left + (k * 4 + column) * cell;
        const y0 = top + row * cell;
        canvas.fillRectangle(x0, y0, x0 + cell, y0 + cell, colour);
      }
    });
  });
}
