/**
 * A pen on a grey canvas: smooth curves through points, drawn as a distance field, so that edges are soft at any size.
 * Only + − × ÷ √ are used, which IEEE 754 makes exact: the same strokes give the same pixels on every machine.
 */

/** Straight pieces between two points of a stroke. */
const PIECES = 5;

/** A pen's path as straight pieces: x, y and pressure of every corner, and where strokes begin. */
export interface PenPath {
  readonly x: Float64Array;
  readonly y: Float64Array;
  /** Relative to the pen's radius, about 1. */
  readonly pressure: Float64Array;
  /** 1 where a stroke begins: no ink leads there. */
  readonly isStart: Uint8Array;
}

/** Corners that a stroke of this many points becomes. */
function countCorners(points: number): number {
  return (points - 1) * PIECES + 1;
}

/**
 * Curves through the points of each stroke (Catmull-Rom splines) as straight pieces.
 *
 * @param strokes  x0, y0, x1, y1, …; at least two points each
 * @param pressure at position 0 … 1 of a stroke
 */
export function layPath(
  strokes: readonly ArrayLike<number>[],
  pressure: (position: number) => number,
): PenPath {
  const total = strokes.reduce((sum, stroke) => sum + countCorners(stroke.length / 2), 0);
  const path: PenPath = {
    x: new Float64Array(total),
    y: new Float64Array(total),
    pressure: new Float64Array(total),
    isStart: new Uint8Array(total),
  };
  let at = 0;
  for (const stroke of strokes) {
    const last = stroke.length / 2 - 1;
    path.isStart[at] = 1;
    for (let corner = 0; corner <= last * PIECES; corner++) {
      const from = Math.min(last - 1, Math.floor(corner / PIECES));
      const t = corner / PIECES - from;
      path.x[at] = interpolate(stroke, 0, from, last, t);
      path.y[at] = interpolate(stroke, 1, from, last, t);
      path.pressure[at] = pressure(corner / (last * PIECES));
      at++;
    }
  }
  return path;
}

/** One coordinate of the spline between points `from` and `from + 1`; the ends are their own neighbours. */
function interpolate(stroke: ArrayLike<number>, axis: number, from: number, last: number, t: number): number {
  const b = stroke[2 * from + axis]!;
  const c = stroke[2 * (from + 1) + axis]!;
  const a = stroke[2 * Math.max(0, from - 1) + axis]!;
  const d = stroke[2 * Math.min(last, from + 2) + axis]!;
  return b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)));
}

/**
 * Draws a path, in pixels, and returns uint8 [size, size] with 255 for full ink.
 *
 * @param radius   of the pen, in pixels, at pressure 1
 * @param softness width of the edge in pixels, over which ink fades from full to none
 */
export function drawPath(
  path: PenPath,
  size: number,
  radius: number,
  softness: number,
): Uint8Array<ArrayBuffer> {
  const ink = new Float64Array(size * size);
  for (let i = 1; i < path.x.length; i++) {
    if (path.isStart[i] === 1) continue;
    const width = 0.5 * radius * (path.pressure[i - 1]! + path.pressure[i]!);
    inkPiece(ink, size, path, i, width, softness);
  }
  const pixels = new Uint8Array(size * size);
  for (let i = 0; i < ink.length; i++) pixels[i] = Math.round(255 * ink[i]!);
  return pixels;
}

/** Raises the ink around the straight piece that ends in corner `end`; pixel centres lie at halves. */
function inkPiece(
  ink: Float64Array,
  size: number,
  { x, y }: PenPath,
  end: number,
  radius: number,
  softness: number,
): void {
  const x0 = x[end - 1]!;
  const y0 = y[end - 1]!;
  const x1 = x[end]!;
  const y1 = y[end]!;
  const reach = radius + softness / 2;
  const left = Math.max(0, Math.floor(Math.min(x0, x1) - reach));
  const right = Math.min(size - 1, Math.ceil(Math.max(x0, x1) + reach));
  const top = Math.max(0, Math.floor(Math.min(y0, y1) - reach));
  const bottom = Math.min(size - 1, Math.ceil(Math.max(y0, y1) + reach));
  const dx = x1 - x0;
  const dy = y1 - y0;
  const scale = 1 / (dx * dx + dy * dy + 1e-12);
  for (let row = top; row <= bottom; row++) {
    const py = row + 0.5 - y0;
    for (let column = left; column <= right; column++) {
      const px = column + 0.5 - x0;
      const t = Math.max(0, Math.min(1, (px * dx + py * dy) * scale));
      const ex = px - t * dx;
      const ey = py - t * dy;
      const squared = ex * ex + ey * ey;
      // Most of the box is out of the pen's reach: no root for that.
      if (squared >= reach * reach) continue;
      const depth = (radius - Math.sqrt(squared)) / softness + 0.5;
      const at = row * size + column;
      if (depth > ink[at]!) ink[at] = Math.min(1, depth);
    }
  }
}
