/**
 * Curves over the steps of a training: how far the value is from its least, and D's means. It keeps what is drawn.
 */
import { drawLine, type Surface } from './canvas.js';

/** One moment of a training; NaN where a number is not known. */
export interface Moment {
  readonly steps: number;
  /** C(G) + log 4 = 2·JSD. */
  readonly divergence: number;
  /** V(D, G) + log 4. */
  readonly value: number;
  readonly dReal: number;
  readonly dFake: number;
}

/** Moments beyond this are thinned out, the newest half as it is. */
const MOST_MOMENTS = 1200;

/** Adds a moment; a long past loses every other one. */
export function remember(past: readonly Moment[], moment: Moment): Moment[] {
  const all = [...past, moment];
  return all.length <= MOST_MOMENTS ? all : all.filter((_, i) => i % 2 === 0 || i > MOST_MOMENTS / 2);
}

/** A curve of a chart. */
export interface Curve {
  readonly pick: (moment: Moment) => number;
  readonly colour: string;
  readonly width?: number;
}

/** The vertical axis: where a number lies between bottom 0 and top 1, and which numbers are named. */
export interface Axis {
  readonly place: (value: number) => number;
  readonly ticks: readonly (readonly [number, string])[];
}

/** By the square root, so that both the way down and the end are seen; from 0 to 2 log 2. */
export const VALUE_AXIS: Axis = {
  place: (value) => Math.sqrt(Math.max(0, value) / (2 * Math.LN2)),
  ticks: [
    [0, '0'],
    [0.1, '0.1'],
    [0.5, '0.5'],
    [2 * Math.LN2, '2 log 2'],
  ],
};

/** For V as played, which a bad D can make less than −log 4. */
export const PLAYED_AXIS: Axis = {
  place: (value) => (value + 0.5) / 2,
  ticks: [
    [-0.5, '−0.5'],
    [0, '0'],
    [0.5, '0.5'],
    [1, '1'],
  ],
};

export const MEANS_AXIS: Axis = {
  place: (value) => value,
  ticks: [
    [0, '0'],
    [0.5, '½'],
    [1, '1'],
  ],
};

const LEFT = 50;
const [RIGHT, TOP, BOTTOM] = [8, 8, 20];

/** Draws a chart of the past. */
export function drawChart(
  { context, width, height, colours }: Surface,
  past: readonly Moment[],
  axis: Axis,
  curves: readonly Curve[],
): void {
  const last = Math.max(100, past.at(-1)?.steps ?? 0);
  const x = (steps: number): number => LEFT + (steps / last) * (width - LEFT - RIGHT);
  const y = (value: number): number => height - BOTTOM - axis.place(value) * (height - TOP - BOTTOM);
  context.font = '12px system-ui, sans-serif';
  context.fillStyle = colours.faint;
  context.textAlign = 'right';
  for (const [value, name] of axis.ticks) {
    drawLine(
      context,
      [
        [LEFT, y(value)],
        [width - RIGHT, y(value)],
      ],
      { colour: colours.line, width: 1 },
    );
    context.fillText(name, LEFT - 6, y(value) + 4);
  }
  context.fillText(`${last.toLocaleString('en')} steps`, width - RIGHT, height - 4);
  context.textAlign = 'left';
  context.fillText('0', LEFT, height - 4);
  context.save();
  context.beginPath();
  context.rect(LEFT, 0, width - LEFT - RIGHT, height - BOTTOM + 1);
  context.clip();
  for (const { pick, colour, width: thick = 1.8 } of curves) {
    drawLine(
      context,
      past.map((moment): [number, number] => [x(moment.steps), y(pick(moment))]),
      { colour, width: thick },
    );
  }
  context.restore();
}
