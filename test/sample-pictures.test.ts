/** Pixels: quantizing, contact sheets, plots and PNG files that decode to what went in. */
import { decode } from 'fast-png';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { GanError } from '../src/core/errors.js';
import { normal } from '../src/core/random.js';
import { type PlainTensor, plainTensor, sizeOf } from '../src/core/tensor.js';
import { makeGrid } from '../src/sample/grid.js';
import { encodePng } from '../src/sample/png.js';
import { toBytes } from '../src/sample/quantize.js';
import { drawPoints } from '../src/sample/scatter.js';
import { toPng } from '../src/sample/sheet.js';

function ramp(shape: number[]): PlainTensor<Uint8Array> {
  return plainTensor(
    Uint8Array.from({ length: sizeOf(shape) }, (_, i) => (i * 37) % 251),
    shape,
  );
}

function points(values: readonly number[], dimensions: number) {
  return plainTensor(Float32Array.from(values), [values.length / dimensions, 1, 1, dimensions]);
}

/** Colour at a place of [-1, 1]² in a 512-pixel plot. */
function colourAt(plot: PlainTensor<Uint8Array>, x: number, y: number): number[] {
  const place = (value: number) => Math.floor(34 + ((value + 1.1) / 2.2) * (512 - 14 - 34));
  const at = ((511 - place(y)) * 512 + place(x)) * 3;
  return [...plot.data.subarray(at, at + 3)];
}

const isBlue = ([r = 0, , b = 0]: number[], by = 60) => b - r > by;
const isOrange = ([r = 0, , b = 0]: number[]) => r - b > 60;

describe('toBytes', () => {
  it.each<[number, readonly [number, number], number]>([
    [-1, [-1, 1], 0],
    [1, [-1, 1], 255],
    [0, [-1, 1], 128], // 127.5, halves go up
    [-1.5, [-1, 1], 0],
    [1.5, [-1, 1], 255],
    [Number.NaN, [-1, 1], 0],
    [Number.POSITIVE_INFINITY, [-1, 1], 255],
    [Number.NEGATIVE_INFINITY, [-1, 1], 0],
    [0.5 / 255, [0, 1], 1],
    [0.4999 / 255, [0, 1], 0],
    [1, [0, 1], 255],
    [254.4 / 255, [0, 1], 254],
    [12.5, [0, 255], 13],
  ])('%d in %j is %d', (value, range, level) => {
    expect([...toBytes(plainTensor(new Float32Array([value]), [1]), range).data]).toEqual([level]);
  });

  it('gives back every 8-bit level of every range, and keeps the shape', () => {
    for (const [low, high] of [
      [-1, 1],
      [0, 1],
      [-0.3, 17],
    ] as const) {
      const levels = Float32Array.from({ length: 256 }, (_, i) => low + ((high - low) * i) / 255);
      const bytes = toBytes(plainTensor(levels, [4, 8, 8, 1]), [low, high]);
      expect(bytes).toEqual({ shape: [4, 8, 8, 1], dtype: 'uint8', data: Uint8Array.from(levels.keys()) });
    }
  });

  it('refuses a range that does not rise', () => {
    for (const range of [
      [1, -1],
      [0, 0],
      [0, Number.NaN],
    ] as const)
      expect(() => toBytes(plainTensor(new Float32Array(1), [1]), range)).toThrow(GanError);
  });
});

describe('makeGrid', () => {
  it.each([
    [[1, 4, 6, 1], {}, [8, 10, 1]],
    [[64, 28, 28, 1], {}, [242, 242, 1]],
    [[10, 4, 4, 3], {}, [20, 26, 3]],
    [[10, 4, 4, 3], { columns: 10, padding: 0 }, [4, 40, 3]],
    [[3, 4, 4, 1], { columns: 2, scale: 3, padding: 1 }, [27, 27, 1]],
    [[8, 4, 16, 1], {}, [26, 38, 1]], // wide images: fewer columns
  ])('%j with %j is %j', (shape, options, sheet) => {
    expect(makeGrid(ramp(shape), options).shape).toEqual(sheet);
  });

  it('puts each pixel where it belongs and the background everywhere else', () => {
    const images = ramp([5, 3, 2, 3]);
    const sheet = makeGrid(images, { columns: 3, padding: 2, scale: 2, background: 9 });
    const [height, width] = sheet.shape as [number, number, number];
    const expectedSheet = new Uint8Array(sheet.data.length).fill(9);
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) {
        const row = Math.floor((y - 2) / 8);
        const column = Math.floor((x - 2) / 6);
        const iy = Math.floor((y - 2 - row * 8) / 2);
        const ix = Math.floor((x - 2 - column * 6) / 2);
        const n = row * 3 + column;
        if (x < 2 || y < 2 || ix >= 2 || iy >= 3 || n >= 5) continue;
        for (let c = 0; c < 3; c++)
          expectedSheet[(y * width + x) * 3 + c] = images.data[((n * 3 + iy) * 2 + ix) * 3 + c]!;
      }
    expect(sheet.data).toEqual(expectedSheet);
  });

  it('refuses what cannot be laid out', () => {
    const images = ramp([2, 3, 3, 1]);
    for (const options of [
      { columns: 0 },
      { columns: 1.5 },
      { padding: -1 },
      { scale: 0 },
      { background: 256 },
    ])
      expect(() => makeGrid(images, options)).toThrow(GanError);
    expect(() => makeGrid(ramp([3, 3, 1]))).toThrow(/uint8 images \[n, H, W, C\], got `uint8 \[3, 3, 1\]`/);
    expect(() => makeGrid(ramp([0, 3, 3, 1]))).toThrow(GanError);
    expect(() => makeGrid(ramp([500, 32, 32, 3]), { scale: 64 })).toThrow(/at most 256 MiB/);
  });
});

describe('encodePng', () => {
  it.each([1, 3])(
    'decodes to the same pixels with %d channels, here and in another decoder',
    async (channels) => {
      const image = ramp([13, 17, channels]);
      const bytes = encodePng(image, { text: { Software: 'ganx', Comment: 'seed 1' } });
      const here = decode(bytes);
      expect([here.width, here.height, here.channels, here.depth]).toEqual([17, 13, channels, 8]);
      expect(here.text).toEqual({ Software: 'ganx', Comment: 'seed 1' });
      expect(Uint8Array.from(here.data)).toEqual(image.data);
      const there = await sharp(bytes)
        .toColourspace(channels === 1 ? 'b-w' : 'srgb')
        .raw()
        .toBuffer();
      expect(Uint8Array.from(there)).toEqual(image.data);
      expect(encodePng(image, { text: { Software: 'ganx', Comment: 'seed 1' } })).toEqual(bytes);
    },
  );

  it.each([2, 4, 0])('refuses %d channels', (channels) => {
    expect(() => encodePng(ramp([3, 3, channels]))).toThrow(/1 channel \(grey\) or 3 \(RGB\)/);
  });

  it('refuses other shapes and text that a PNG cannot hold', () => {
    expect(() => encodePng(ramp([3, 3]))).toThrow(GanError);
    expect(() => encodePng(ramp([0, 3, 1]))).toThrow(GanError);
    for (const text of [{ '': 'x' }, { k: 'snow ☃' }, { ['k'.repeat(80)]: 'x' }])
      expect(() => encodePng(ramp([1, 1, 1]), { text })).toThrow(/Latin-1/);
  });
});

describe('drawPoints', () => {
  it('marks points where they are, y upwards, the reference underneath', () => {
    const plot = drawPoints(points([0.3, 0.7, -0.8, -0.2], 2), {
      reference: points([0.3, 0.7, -0.6, 0.6], 2),
    });
    expect(plot.shape).toEqual([512, 512, 3]);
    expect(isBlue(colourAt(plot, 0.3, 0.7))).toBe(true);
    expect(isBlue(colourAt(plot, -0.8, -0.2))).toBe(true);
    expect(isOrange(colourAt(plot, -0.6, 0.6))).toBe(true);
    expect(colourAt(plot, 0.7, 0.3)).toEqual([255, 255, 255]);
  });

  it('shows density: more points, more ink', () => {
    const crowd = normal(1, 'crowd', 0, 40_000).map((value, i) => 0.05 * value + (i % 2 ? 0.25 : -0.25));
    const plot = drawPoints(points([...crowd], 2));
    const red = (x: number, y: number) => colourAt(plot, x, y)[0]!;
    expect(red(-0.25, 0.25)).toBeLessThan(80);
    expect(red(-0.25, 0.13)).toBeGreaterThan(red(-0.25, 0.25) + 20);
    expect(red(0.75, 0.75)).toBe(255);
  });

  it('draws a curve for one dimension, highest where the values are', () => {
    const plot = drawPoints(
      points(
        [...normal(2, 'x', 0, 2000)].map((value) => 0.6 + 0.1 * value),
        1,
      ),
    );
    const inkOf = (x: number) =>
      [-0.9, -0.6, -0.3, 0.1, 0.3].filter((y) => isBlue(colourAt(plot, x, y), 20)).length;
    expect(inkOf(0.62)).toBe(5);
    expect(inkOf(-0.6)).toBe(0);
  });

  it('leaves out what is not finite or outside, and an empty picture still has its axes', () => {
    const odd = points([Number.NaN, 0, 0, Number.POSITIVE_INFINITY, 5, 5, 0.7, -5], 2);
    const none = drawPoints(points([9, 9], 2));
    expect(Buffer.compare(drawPoints(odd).data, none.data)).toBe(0);
    expect(new Set(none.data).size).toBeGreaterThan(2);
    const flat = drawPoints(points([Number.NaN, 9], 1));
    expect(flat.data.length).toBe(512 * 512 * 3);
  });

  it('refuses other shapes, sizes and references', () => {
    expect(() => drawPoints(points([0, 0], 2), { size: 10 })).toThrow(/64 to 4096/);
    expect(() => drawPoints(points([0, 0], 2), { reference: points([0], 1) })).toThrow(/\[n, 1, 1, 2\]/);
    expect(() => drawPoints(plainTensor(new Float32Array(4), [1, 2, 2, 1]))).toThrow(GanError);
  });
});

describe('toPng', () => {
  const shape = { kind: 'images', imageShape: [28, 28, 1], imageRange: [-1, 1] } as const;

  it('enlarges small images, and draws float and 8-bit images alike', () => {
    const bytes = ramp([6, 28, 28, 1]);
    const floats = plainTensor(
      Float32Array.from(bytes.data, (level) => level / 127.5 - 1),
      bytes.shape,
    );
    const png = toPng(bytes, shape);
    expect(toPng(floats, shape)).toEqual(png);
    const { width, height, data } = decode(png);
    expect([width, height]).toEqual([3 * 58 + 2, 2 * 58 + 2]);
    expect(Uint8Array.from(data)).toEqual(makeGrid(bytes, { scale: 2 }).data);
    expect(decode(toPng(bytes, shape, { scale: 1, columns: 6 })).width).toBe(6 * 30 + 2);
  });

  it('plots points', () => {
    const values = points([0.1, 0.2, 0.3, 0.4], 2);
    const png = toPng(values, { kind: 'points', imageShape: [1, 1, 2], imageRange: [-1, 1] }, { size: 128 });
    expect(Uint8Array.from(decode(png).data)).toEqual(drawPoints(values, { size: 128 }).data);
  });

  it('refuses values of another shape or type', () => {
    expect(() => toPng(ramp([1, 28, 28, 3]), shape)).toThrow(
      /images \[n, 28, 28, 1\], got `uint8 \[1, 28, 28, 3\]`/,
    );
    expect(() => toPng(ramp([28, 28, 1]), shape)).toThrow(GanError);
    expect(() => toPng(plainTensor(new Int32Array(784), [1, 28, 28, 1]), shape)).toThrow(/int32/);
  });
});
