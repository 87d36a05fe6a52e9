/**
 * One digit of the built-in set `digits`: handwriting made by rule, laid out as MNIST is: white on black, fitted into a
 * box of 20 x 20 in 28 x 28 pixels, centre of mass in the middle. Item i depends on (seed, i) alone. It knows no data
 * set, and nothing of Node.
 */
import { normal, uniform } from '../core/random.js';
import { GLYPHS, type Glyph } from './digit-glyphs.js';
import { drawPath, layPath, type PenPath } from './ink.js';

/** Side in pixels when none is asked for; other sizes scale everything, the pen too. */
export const NATIVE_SIZE = 28;
/** Share of the side that a digit's longer extent takes. */
const BOX = 20 / 28;
/** Random numbers set aside for one item, so that items never share any. */
const UNIFORMS = 8;
const NORMALS = 64;
/** Normals used up by the pose; the rest shakes the points. */
const POSE_NORMALS = 12;

/** How one writer held the pen this time. */
interface Hand {
  /** Uniform numbers in (0, 1). */
  readonly u: Float32Array;
  /** Standard normal numbers. */
  readonly n: Float32Array;
}

/** Item `index` of a seed as uint8 [size, size]; its label is its index modulo 10. */
export function drawDigit(seed: number, index: number, size: number): Uint8Array {
  const hand: Hand = {
    u: uniform(seed, 'digits/uniform', index * UNIFORMS, UNIFORMS),
    n: normal(seed, 'digits/normal', index * NORMALS, NORMALS),
  };
  const glyph = pickGlyph(GLYPHS[index % GLYPHS.length]!, hand.u[0]!);
  const strokes = warpStrokes(glyph, hand);
  // Pressure as a parabola along each stroke: writers press and lift differently.
  const slope = 0.2 * hand.n[0]!;
  const bulge = 0.8 * hand.n[1]!;
  const path = layPath(strokes, (t) => Math.max(0.6, 1 + slope * (t - 0.5) + bulge * (t * (1 - t) - 1 / 6)));
  const pixel = size / NATIVE_SIZE;
  const radius = pixel * (0.85 + 1.05 * hand.u[1]! * hand.u[2]! + 0.35 * hand.u[3]!);
  const softness = pixel * (0.85 + 0.5 * hand.u[4]!);
  return drawPath(placePath(path, size, radius), size, radius, softness);
}

function pickGlyph(glyphs: readonly Glyph[], u: number): Glyph {
  let left = u * glyphs.reduce((sum, glyph) => sum + glyph.weight, 0);
  for (const glyph of glyphs) {
    left -= glyph.weight;
    if (left < 0) return glyph;
  }
  return glyphs.at(-1)!;
}

/**
 * The glyph's points as this hand sets them: shaken one by one, bent by a smooth quadratic field, stretched, slanted
 * and turned. The tangent half-angle form of a rotation needs no sine.
 */
function warpStrokes(glyph: Glyph, { n, u }: Hand): Float64Array[] {
  const stretch = 1 + 0.16 * n[2]!;
  const slant = 0.14 + 0.22 * n[3]!;
  const half = 0.045 * n[4]!;
  const cosine = (1 - half * half) / (1 + half * half);
  const sine = (2 * half) / (1 + half * half);
  const shake = 0.014 + 0.014 * u[5]!;
  // Strokes that meet in a point are shaken there as one, or they would come apart.
  const shakes = new Map<number, number>();
  return glyph.strokes.map((stroke) => {
    const out = new Float64Array(stroke.length);
    for (let i = 0; i < stroke.length; i += 2) {
      const point = stroke[i]! + 1000 * stroke[i + 1]!;
      const next = shakes.get(point) ?? POSE_NORMALS + 2 * shakes.size;
      shakes.set(point, next);
      const x = stroke[i]! - 0.35;
      const y = stroke[i + 1]! - 0.5;
      const bentX =
        x + 0.17 * (n[5]! * y * y + n[6]! * x * y + n[7]! * x * x + n[8]! * y * (0.25 - y * y) * 2);
      const bentY = y + 0.17 * (n[9]! * x * x + n[10]! * x * y + n[11]! * y * y);
      const wideX = stretch * (bentX + shake * n[next]!) - slant * bentY;
      const wideY = bentY + shake * n[next + 1]!;
      out[i] = cosine * wideX - sine * wideY;
      out[i + 1] = sine * wideX + cosine * wideY;
    }
    return out;
  });
}

/** Scales the path so that the ink fills the box, and moves its centre of mass to the middle of the canvas. */
function placePath(path: PenPath, size: number, radius: number): PenPath {
  const { x, y, pressure, isStart } = path;
  let left = x[0]!;
  let right = left;
  let top = y[0]!;
  let bottom = top;
  let mass = 0;
  let massX = 0;
  let massY = 0;
  for (let i = 0; i < x.length; i++) {
    left = Math.min(left, x[i]!);
    right = Math.max(right, x[i]!);
    top = Math.min(top, y[i]!);
    bottom = Math.max(bottom, y[i]!);
    if (isStart[i] === 1) continue;
    const dx = x[i]! - x[i - 1]!;
    const dy = y[i]! - y[i - 1]!;
    const ink = Math.sqrt(dx * dx + dy * dy) * (pressure[i]! + pressure[i - 1]!);
    mass += ink;
    massX += 0.5 * ink * (x[i]! + x[i - 1]!);
    massY += 0.5 * ink * (y[i]! + y[i - 1]!);
  }
  const scale = (BOX * size - 2 * radius) / Math.max(right - left, bottom - top);
  const move = (values: Float64Array, centre: number) =>
    values.map((value) => size / 2 + scale * (value - centre));
  return { x: move(x, massX / mass), y: move(y, massY / mass), pressure, isStart };
}
