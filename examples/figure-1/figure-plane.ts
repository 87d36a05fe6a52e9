/**
 * Two dimensions: D as a colour behind the points of the data and of G. Also how far the two sets of points are apart.
 */
import { jensenShannon, normalize } from '../../src/measure/one-dimension.js';
import type { Surface } from './canvas.js';
import { PLANE_REACH, PLANE_SIDE } from './messages.js';

/** What the figure shows; points as x0, y0, x1, y1, … */
export interface PlaneFigure {
  readonly data: Float32Array;
  readonly fakes?: Float32Array | undefined;
  /** Logits on the square of PLANE_SIDE². */
  readonly logits?: Float32Array | undefined;
}

/** Points of the data that are drawn: more would be a blot. */
const SHOWN = 1500;
const CELLS = 24;

/** The square's corner and side on the canvas. */
function layOut({ width, height }: Pick<Surface, 'width' | 'height'>) {
  const side = Math.min(width, height);
  return { left: (width - side) / 2, top: (height - side) / 2, side };
}

/** The point of the plane that a place on the canvas stands for. */
export function locatePoint(
  surface: Pick<Surface, 'width' | 'height'>,
  px: number,
  py: number,
): [number, number] {
  const { left, top, side } = layOut(surface);
  return [((px - left) / side - 0.5) * 2 * PLANE_REACH, (0.5 - (py - top) / side) * 2 * PLANE_REACH];
}

/** Draws the whole figure; y points up. */
export function drawPlaneFigure(surface: Surface, { data, fakes, logits }: PlaneFigure): void {
  const { context, colours } = surface;
  const { left, top, side } = layOut(surface);
  if (logits) drawHeat(surface, logits);
  context.strokeStyle = colours.line;
  context.strokeRect(left + 0.5, top + 0.5, side - 1, side - 1);
  const dots = (points: Float32Array, count: number, colour: string, radius: number, alpha: number): void => {
    context.fillStyle = colour;
    context.globalAlpha = alpha;
    for (let i = 0; i < Math.min(count, points.length / 2); i++) {
      const x = left + (points[2 * i]! / PLANE_REACH / 2 + 0.5) * side;
      const y = top + (0.5 - points[2 * i + 1]! / PLANE_REACH / 2) * side;
      if (x < left || x > left + side || y < top || y > top + side) continue;
      context.beginPath();
      context.arc(x, y, radius, 0, 2 * Math.PI);
      context.fill();
    }
    context.globalAlpha = 1;
  };
  dots(data, SHOWN, colours.data, 1.5, 0.55);
  if (fakes) dots(fakes, fakes.length / 2, colours.green, 1.8, 0.75);
}

/** A colour as red, green and blue. */
function readColour(colour: string): [number, number, number] {
  const value = Number.parseInt(colour.replace('#', ''), 16);
  return [value >> 16, (value >> 8) & 255, value & 255];
}

/** D as colour: the farther from 1/2, the more of it. */
function drawHeat(surface: Surface, logits: Float32Array): void {
  const { context, colours } = surface;
  const { left, top, side } = layOut(surface);
  const [blue, orange] = [readColour(colours.blue), readColour(colours.orange)];
  const picture = new ImageData(PLANE_SIDE, PLANE_SIDE);
  logits.forEach((logit, i) => {
    const d = 1 / (1 + Math.exp(-logit));
    const at = 4 * ((PLANE_SIDE - 1 - Math.floor(i / PLANE_SIDE)) * PLANE_SIDE + (i % PLANE_SIDE));
    picture.data.set([...(d > 0.5 ? blue : orange), Math.round(Math.abs(d - 0.5) * 2 * 150)], at);
  });
  const small = new OffscreenCanvas(PLANE_SIDE, PLANE_SIDE);
  small.getContext('2d')!.putImageData(picture, 0, 0);
  context.imageSmoothingQuality = 'high';
  context.drawImage(small, left, top, side, side);
}

function countCells(points: Float32Array): Float64Array {
  const counts = new Float64Array(CELLS * CELLS);
  const cell = (value: number): number =>
    Math.min(CELLS - 1, Math.max(0, Math.floor((value / PLANE_REACH / 2 + 0.5) * CELLS)));
  for (let i = 0; i < points.length; i += 2) counts[cell(points[i + 1]!) * CELLS + cell(points[i]!)]! += 1;
  return counts;
}

/** JSD of two sets of points in 24 × 24 cells; n points of G leave (occupied cells) / 8n by chance. */
export function comparePoints(data: Float32Array, fakes: Float32Array): number {
  const cells = { low: 0, high: 1, cells: CELLS * CELLS };
  return jensenShannon(normalize(countCells(data), cells), normalize(countCells(fakes), cells), cells);
}
