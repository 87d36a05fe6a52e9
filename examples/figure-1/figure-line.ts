/**
 * Figure 1 of the paper: p_data black and dotted, p_g green, D blue and dashed, D's optimum faint; below them the x
 * axis and the z axis with arrows x = G(z) between. It draws what it is given and computes nothing but places.
 * https://arxiv.org/abs/1406.2661, figure 1
 */
import { midpoints, optimalDiscriminator } from '../../src/measure/one-dimension.js';
import { drawLine, type Surface } from './canvas.js';
import { LINE } from './messages.js';

/** What the figure shows; densities and D by the cells of {@link LINE}. */
export interface LineFigure {
  readonly data: ArrayLike<number>;
  readonly generated?: ArrayLike<number> | undefined;
  readonly d?: ArrayLike<number> | undefined;
  /** G(z) at evenly spaced z. */
  readonly images?: ArrayLike<number> | undefined;
}

const ARROWS = 25;
const MARGIN = 14;

/** Where things lie, in CSS pixels. */
function layOut({ width, height }: Surface) {
  const left = MARGIN + 16;
  const right = width - MARGIN;
  const bottom = Math.round(height * 0.68);
  return {
    left,
    right,
    top: MARGIN,
    bottom,
    xLine: Math.round(height * 0.76),
    zLine: height - MARGIN - 4,
    x: (value: number): number => left + ((value - LINE.low) / (LINE.high - LINE.low)) * (right - left),
  };
}

/** Height of the tallest curve as a density; room for p_g to overshoot p_data. */
function chooseScale(data: ArrayLike<number>): number {
  return Math.max(0.2, ...Array.from(data)) * 1.35;
}

/** The density that a place on the canvas stands for, for drawing by hand. */
export function locate(
  surface: Pick<Surface, 'width' | 'height'>,
  px: number,
  py: number,
): { x: number; level: number } {
  const { left, right, top, bottom } = layOut(surface as Surface);
  const x = LINE.low + ((px - left) / (right - left)) * (LINE.high - LINE.low);
  return { x, level: Math.min(1, Math.max(0, (bottom - py) / (bottom - top))) };
}

/** Width of the kernel that p_g is drawn with, in cells: a ReLU network's density is made of steps. */
const SMOOTHING = 2;

/** A density smoothed by a Gaussian kernel; the ends keep what would leave them. */
function smooth(density: ArrayLike<number>): Float64Array {
  const reach = 3 * SMOOTHING;
  const kernel = Array.from({ length: 2 * reach + 1 }, (_, i) =>
    Math.exp(-0.5 * ((i - reach) / SMOOTHING) ** 2),
  );
  const sum = kernel.reduce((total, value) => total + value, 0);
  const out = new Float64Array(density.length);
  for (let from = 0; from < density.length; from++) {
    kernel.forEach((share, i) => {
      const to = Math.min(density.length - 1, Math.max(0, from + i - reach));
      out[to]! += (density[from]! * share) / sum;
    });
  }
  return out;
}

/** Draws the whole figure. */
export function drawLineFigure(surface: Surface, { data, generated: exact, d, images }: LineFigure): void {
  const generated = exact && smooth(exact);
  const { context, colours } = surface;
  const place = layOut(surface);
  const xs = midpoints(LINE);
  const most = chooseScale(data);
  const density = (value: number): number =>
    place.bottom - (Math.min(value, most * 1.02) / most) * (place.bottom - place.top);
  const chance = (value: number): number => place.bottom - value * (place.bottom - place.top) * 0.94;
  const curve = (values: ArrayLike<number>, y: (value: number) => number): [number, number][] =>
    Array.from(xs, (x, i) => [place.x(x), y(values[i]!)]);

  drawLine(
    context,
    [
      [place.left, chance(0.5)],
      [place.right, chance(0.5)],
    ],
    { colour: colours.line, width: 1 },
  );
  context.fillStyle = colours.faint;
  context.textAlign = 'left';
  context.fillText('½', place.left - 16, chance(0.5) + 4);

  if (generated && d) {
    drawLine(context, curve(optimalDiscriminator(data, generated), chance), {
      colour: colours.blue,
      width: 5,
      alpha: 0.28,
    });
  }
  if (generated) drawLine(context, curve(generated, density), { colour: colours.green, width: 2.5 });
  drawLine(context, curve(data, density), { colour: colours.data, width: 2.5, dash: [0.1, 5] });
  if (d) drawLine(context, curve(d, chance), { colour: colours.blue, width: 2, dash: [8, 6] });

  for (const [y, name] of [
    [place.xLine, 'x'],
    [place.zLine, 'z'],
  ] as const) {
    drawLine(
      context,
      [
        [place.left, y],
        [place.right, y],
      ],
      { colour: colours.ink, width: 1.2 },
    );
    context.fillStyle = colours.ink;
    context.font = 'italic 15px ui-serif, Georgia, serif';
    context.fillText(name, place.left - 18, y + 4);
  }
  drawLine(
    context,
    [
      [place.left, place.bottom],
      [place.right, place.bottom],
    ],
    { colour: colours.line, width: 1 },
  );
  if (images) drawArrows(surface, images);
}

/** Arrows from even z to their x; they stop short of the axis, so that heads that crowd can be told apart. */
function drawArrows(surface: Surface, images: ArrayLike<number>): void {
  const { context, colours } = surface;
  const { left, right, xLine, zLine, x } = layOut(surface);
  context.fillStyle = colours.ink;
  for (let i = 0; i < ARROWS; i++) {
    const share = (i + 0.5) / ARROWS;
    const value = images[Math.floor(share * images.length)]!;
    const from = left + share * (right - left);
    const to = Math.min(right + 8, Math.max(left - 8, x(value)));
    drawLine(
      context,
      [
        [from, zLine],
        [to, xLine + 3],
      ],
      { colour: colours.ink, width: 1, alpha: 0.55 },
    );
    const angle = Math.atan2(xLine - zLine, to - from);
    context.beginPath();
    context.moveTo(to, xLine + 1);
    for (const side of [-0.32, 0.32])
      context.lineTo(to - 8 * Math.cos(angle + side), xLine + 1 - 8 * Math.sin(angle + side));
    context.fill();
  }
}
