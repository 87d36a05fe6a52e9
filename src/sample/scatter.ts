/**
 * Points as a picture: a scatter plot of two dimensions, a density curve of one. Samples are blue; the data they
 * should look like, when given, is orange underneath. The window is a little larger than [-1, 1] on each axis.
 * It draws with canvas.ts and knows neither generators nor files.
 */
import { expected } from '../core/errors.js';
import type { FloatTensor, PlainTensor } from '../core/tensor.js';
import { addDisc, Canvas, type Colour, drawNumber } from './canvas.js';

/** How points are plotted. */
export interface PlotOptions {
  /** Pixels on a side, 64 to 4096; 512 when absent. */
  readonly size?: number | undefined;
  /** Real points to compare with: float32 [m, 1, 1, D]. */
  readonly reference?: FloatTensor | undefined;
}

const BLUE: Colour = [0.1, 0.3, 0.68];
const ORANGE: Colour = [0.98, 0.62, 0.22];
const GRID: Colour = [0.91, 0.91, 0.91];
const AXIS: Colour = [0.3, 0.3, 0.3];

/** The window is [-REACH, REACH], so that points at ±1 are not cut by the frame. */
const REACH = 1.1;

/** Half the width of the kernel that smooths a one-dimensional density, in data units. */
const BANDWIDTH = 0.08;

/** Where the plot lies on the canvas, in pixels. */
interface Frame {
  readonly near: number;
  readonly far: number;
  /** One 512th of the canvas: thicknesses and radii are in it. */
  readonly unit: number;
}

/** Pixel coordinate of a data coordinate, from left to right. */
function place(value: number, { near, far }: Frame): number {
  return near + ((value + REACH) / (2 * REACH)) * (far - near);
}

/**
 * Plots points; coordinates beyond the second are left out, values that are not finite too.
 *
 * @param points float32 [n, 1, 1, D]
 * @returns uint8 [size, size, 3]
 * @throws GanError `BAD_ARGUMENT` for another shape, a size out of range, or a reference of another D
 */
export function drawPoints(
  points: FloatTensor,
  options: PlotOptions = {},
): PlainTensor<Uint8Array<ArrayBuffer>> {
  const { size = 512, reference } = options;
  if (!Number.isInteger(size) || size < 64 || size > 4096) {
    throw expected('plot', 'a size from 64 to 4096 pixels', String(size));
  }
  const dimensions = points.shape[3] ?? 0;
  for (const { dtype, shape } of reference ? [points, reference] : [points]) {
    if (dtype === 'float32' && shape.length === 4 && shape[1] === 1 && shape[2] === 1) {
      if (shape[3] === dimensions && dimensions > 0) continue;
    }
    throw expected(
      'plot',
      `float32 points [n, 1, 1, ${dimensions || 'D'}]`,
      `${dtype} [${shape.join(', ')}]`,
    );
  }
  const unit = size / 512;
  const frame = { near: Math.round(34 * unit), far: size - Math.round(14 * unit), unit };
  const canvas = new Canvas(size);
  drawAxes(canvas, frame, dimensions > 1);
  if (dimensions === 1) drawDensities(canvas, frame, points, reference);
  else {
    if (reference) canvas.addInk(scatter(reference, size, frame), ORANGE);
    canvas.addInk(scatter(points, size, frame), BLUE);
  }
  return canvas.toPixels();
}

/** Grid lines at halves, ticks and numbers at -1, 0 and 1, and the frame. A density has no scale upwards. */
function drawAxes(canvas: Canvas, frame: Frame, upwards: boolean): void {
  const { unit, near } = frame;
  const low = canvas.size - near; // the frame's lower edge: its left edge mirrored
  const top = canvas.size - frame.far;
  const thick = Math.max(1, Math.round(unit));
  const vertical = (x: number, y0: number, y1: number, colour: Colour) =>
    canvas.fillRectangle(Math.round(x), y0, Math.round(x) + thick, y1, colour);
  const horizontal = (y: number, x0: number, x1: number, colour: Colour) =>
    canvas.fillRectangle(x0, Math.round(y), x1, Math.round(y) + thick, colour);
  const ticks = [-1, -0.5, 0, 0.5, 1].map((value) => ({ value, x: place(value, frame) }));
  for (const { x } of ticks) {
    vertical(x, top, low, GRID);
    if (upwards) horizontal(canvas.size - x, near, frame.far, GRID);
  }
  for (const { value, x } of ticks) {
    const length = (Number.isInteger(value) ? 6 : 3) * unit;
    vertical(x, low, low + length, AXIS);
    if (upwards) horizontal(canvas.size - x, near - length, near, AXIS);
    if (!Number.isInteger(value)) continue;
    const label = String(value);
    const cell = Math.max(1, Math.round(2 * unit));
    drawNumber(canvas, label, x, low + 16 * unit, cell, AXIS);
    if (upwards) drawNumber(canvas, label, near - 20 * unit, canvas.size - x, cell, AXIS);
  }
  for (const x of [near, frame.far]) vertical(x, top, low + thick, AXIS);
  for (const y of [top, low]) horizontal(y, near, frame.far + thick, AXIS);
}

/** Ink of a disc for each point: fewer points are larger, many points are fainter, so that density shows. */
function scatter({ data, shape }: FloatTensor, size: number, frame: Frame): Float32Array {
  const count = shape[0]!;
  const dimensions = shape[3]!;
  const depth = new Float32Array(size * size);
  const radius = Math.min(4, Math.max(1.3, 60 / Math.sqrt(count))) * frame.unit;
  const strength = Math.min(3, 6000 / count);
  for (let i = 0; i < count; i++) {
    const x = data[i * dimensions]!;
    const y = data[i * dimensions + 1]!;
    if (!(Math.abs(x) <= REACH && Math.abs(y) <= REACH)) continue;
    addDisc(depth, size, place(x, frame), size - place(y, frame), radius, strength);
  }
  return depth;
}

/** One density curve each for the reference and the points, filled, to a common scale. */
function drawDensities(canvas: Canvas, frame: Frame, points: FloatTensor, reference?: FloatTensor): void {
  const curves = (reference ? [reference, points] : [points]).map((values) => estimateDensity(values, frame));
  const peak = Math.max(...curves.map((curve) => curve.reduce((most, value) => Math.max(most, value), 0)));
  const low = canvas.size - frame.near;
  const height = (low - (canvas.size - frame.far)) * 0.92;
  curves.forEach((curve, k) => {
    const depth = new Float32Array(canvas.size ** 2);
    const level = (x: number) => low - (height * (curve[x] ?? 0)) / (peak || 1);
    for (let x = 0; x < curve.length; x++) {
      const y = level(x);
      const slope = (level(Math.min(curve.length - 1, x + 1)) - level(Math.max(0, x - 1))) / 2;
      const lean = Math.sqrt(1 + slope * slope);
      const line = 1.25 * frame.unit + 0.5;
      for (let row = Math.max(0, Math.floor(y - line * lean)); row < low; row++) {
        const inside = Math.min(1, Math.max(0, row + 1 - y));
        const edge = Math.min(1, Math.max(0, line - Math.abs(row + 0.5 - y) / lean));
        depth[row * canvas.size + frame.near + x] = 0.25 * inside + 4 * edge;
      }
    }
    canvas.addInk(depth, k === curves.length - 1 ? BLUE : ORANGE);
  });
}

/** Density of the values at each pixel column of the frame, smoothed by the kernel 1 − (distance / BANDWIDTH)². */
function estimateDensity({ data }: FloatTensor, frame: Frame): Float64Array {
  const pixels = frame.far - frame.near;
  const density = new Float64Array(pixels);
  const width = (BANDWIDTH / (2 * REACH)) * pixels;
  for (const value of data) {
    if (!Number.isFinite(value)) continue;
    const centre = place(value, frame) - frame.near;
    const first = Math.max(0, Math.ceil(centre - width - 0.5));
    for (let x = first; x < Math.min(pixels, centre + width - 0.5); x++) {
      density[x]! += (1 - ((x + 0.5 - centre) / width) ** 2) / data.length;
    }
  }
  return density;
}
