/**
 * Curves as an SVG picture: axes with units, grid lines, a legend and the last value of each. Text in, text out; it
 * knows no run and no file.
 * https://www.w3.org/TR/SVG11/
 */
import { chooseTicks, formatNumber, formatShort, formatValue } from './ticks.js';

/** One curve. */
export interface Series {
  readonly name: string;
  /** [x, y], x rising. */
  readonly points: readonly (readonly [number, number])[];
  /** Marks each point, for curves of a few. */
  readonly marks?: boolean;
}

/** A horizontal line that a reader compares with; two at most. */
export interface Reference {
  readonly name: string;
  readonly y: number;
}

/** What a chart shows. */
export interface Chart {
  /** For its file. */
  readonly name: string;
  readonly title: string;
  /** With the unit: `images seen`. */
  readonly xLabel: string;
  readonly yLabel: string;
  readonly series: readonly Series[];
  readonly references?: readonly Reference[];
  /** Ends of the y axis; around the values when absent. */
  readonly yRange?: readonly [number, number];
}

/** CSS colours; a page hands in variables, a picture plain colours. */
export interface Theme {
  /** What is filled first; `none` where a page lies below. */
  readonly paper: string;
  readonly ink: string;
  readonly faint: string;
  readonly line: string;
  readonly series: readonly string[];
}

/** For a picture on white paper. */
export const LIGHT: Theme = {
  paper: '#ffffff',
  ink: '#1c2024',
  faint: '#60646c',
  line: '#e3e4e8',
  series: ['#1f5fbf', '#d1590a'],
};

/** For a page that sets these variables, light or dark. */
export const OF_PAGE: Theme = {
  paper: 'none',
  ink: 'var(--ink)',
  faint: 'var(--faint)',
  line: 'var(--line)',
  series: ['var(--first)', 'var(--second)'],
};

const WIDTH = 520;
const HEIGHT = 320;
const FRAME = { left: 68, right: 466, top: 62, bottom: 268 };

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/** Text for HTML or SVG. */
export function escapeText(text: string): string {
  return text.replace(/[&<>"]/g, (character) => ENTITIES[character]!);
}

interface Axes {
  readonly xs: readonly number[];
  readonly ys: readonly number[];
  placeX(x: number): number;
  placeY(y: number): number;
}

/** Ticks of both axes, and where a value lies in the picture. */
function layOut({ series, references = [], yRange }: Chart): Axes {
  const points = series.flatMap((one) => one.points);
  const yValues = yRange ?? [...points.map(([, y]) => y), ...references.map(({ y }) => y)];
  const ys = chooseTicks(bound(yValues, Math.min), bound(yValues, Math.max), 5);
  const right = bound(
    points.map(([x]) => x),
    Math.max,
  );
  const xs = chooseTicks(0, right, 5).filter((x) => x <= right);
  const [low, high] = [ys[0]!, ys.at(-1)!];
  return {
    xs,
    ys,
    placeX: (x) => FRAME.left + (x / right) * (FRAME.right - FRAME.left),
    placeY: (y) => FRAME.bottom - ((y - low) / (high - low)) * (FRAME.bottom - FRAME.top),
  };
}

/** The least or greatest value; a spread would be too long a list of arguments for a long run. */
function bound(values: readonly number[], choose: (a: number, b: number) => number): number {
  return values.reduce((best, value) => choose(best, value));
}

const round = (value: number): string => String(Math.round(value * 10) / 10);

function text(x: number, y: number, anchor: string, fill: string, content: string, more = ''): string {
  return `<text x="${round(x)}" y="${round(y)}" text-anchor="${anchor}" style="fill:${fill}"${more}>${escapeText(content)}</text>`;
}

function line(x1: number, y1: number, x2: number, y2: number, stroke: string, more = ''): string {
  return `<line x1="${round(x1)}" y1="${round(y1)}" x2="${round(x2)}" y2="${round(y2)}" style="stroke:${stroke}"${more}/>`;
}

function drawAxes({ xLabel, yLabel }: Chart, { xs, ys, placeX, placeY }: Axes, theme: Theme): string[] {
  const { left, right, bottom } = FRAME;
  return [
    ...ys.map((y) => line(left, placeY(y), right, placeY(y), theme.line)),
    ...ys.map((y) => text(left - 8, placeY(y) + 4, 'end', theme.faint, formatNumber(y))),
    line(left, bottom, right, bottom, theme.faint),
    ...xs.map((x) => line(placeX(x), bottom, placeX(x), bottom + 5, theme.faint)),
    ...xs.map((x) => text(placeX(x), bottom + 19, 'middle', theme.faint, formatShort(x))),
    text((left + right) / 2, bottom + 41, 'middle', theme.faint, xLabel),
    text(
      0,
      0,
      'middle',
      theme.faint,
      yLabel,
      ` transform="translate(13 ${(FRAME.top + bottom) / 2}) rotate(-90)"`,
    ),
  ];
}

function drawSeries({ points, marks }: Series, { placeX, placeY }: Axes, colour: string): string[] {
  const places = points.map(([x, y]) => `${round(placeX(x))} ${round(placeY(y))}`);
  const dots = marks
    ? points.map(
        ([x, y]) =>
          `<circle cx="${round(placeX(x))}" cy="${round(placeY(y))}" r="3.5" style="fill:${colour}"/>`,
      )
    : [];
  return [
    `<path d="M${places.join('L')}" style="fill:none;stroke:${colour};stroke-width:2;stroke-linejoin:round;stroke-linecap:round"/>`,
    ...dots,
  ];
}

/** The last value of each curve beside its end; labels that would touch move apart. */
function drawEnds({ series }: Chart, { placeY }: Axes, theme: Theme): string[] {
  const GAP = 15;
  const ends = series
    .map(({ points }, i) => ({ value: points.at(-1)![1], colour: theme.series[i]! }))
    .sort((a, b) => b.value - a.value);
  let above = Number.NEGATIVE_INFINITY;
  return ends.map(({ value, colour }) => {
    const y = Math.max(placeY(value) + 4, above + GAP);
    above = y;
    return text(FRAME.right + 8, y, 'start', colour, formatValue(value), ' font-weight="600"');
  });
}

/** Broken lines for what is no curve: the first dashed, the second dotted. */
const BREAKS = ['6 4', '1.5 5'];

function breakLine(i: number): string {
  return ` stroke-dasharray="${BREAKS[i % BREAKS.length]}" stroke-width="1.5" stroke-linecap="round"`;
}

/** Names in a row above the plot, where no curve can cross them. */
function drawLegend({ series, references = [] }: Chart, theme: Theme): string[] {
  const y = 42;
  let x = FRAME.left;
  const entries = [
    ...series.map(({ name }, i) => ({ name, colour: theme.series[i]!, more: ' stroke-width="3"' })),
    ...references.map(({ name }, i) => ({ name, colour: theme.faint, more: breakLine(i) })),
  ];
  return entries.flatMap(({ name, colour, more }) => {
    const start = x;
    // About the width of a letter at this size; a legend has room to be wrong by a few.
    x += 42 + name.length * 7.2;
    return [line(start, y, start + 20, y, colour, more), text(start + 26, y + 4, 'start', theme.ink, name)];
  });
}

function drawReferences({ references = [] }: Chart, { placeY }: Axes, theme: Theme): string[] {
  return references.map(({ y }, i) =>
    line(FRAME.left, placeY(y), FRAME.right, placeY(y), theme.faint, breakLine(i)),
  );
}

/**
 * Draws a chart, 520 × 320 units.
 *
 * @param chart one or two curves, each of at least one point with finite values and x from 0
 * @returns one `<svg>` element
 */
export function drawChart(chart: Chart, theme: Theme): string {
  const axes = layOut(chart);
  const parts = [
    ...(theme.paper === 'none' ? [] : [`<rect width="${WIDTH}" height="${HEIGHT}" fill="${theme.paper}"/>`]),
    text(FRAME.left, 20, 'start', theme.ink, chart.title, ' font-size="15" font-weight="600"'),
    ...drawLegend(chart, theme),
    ...drawAxes(chart, axes, theme),
    ...drawReferences(chart, axes, theme),
    ...chart.series.flatMap((one, i) => drawSeries(one, axes, theme.series[i]!)),
    ...drawEnds(chart, axes, theme),
  ];
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" role="img"`,
    ` aria-label="${escapeText(describeChart(chart))}" font-family="system-ui, 'DejaVu Sans', sans-serif" font-size="13">`,
    ...parts,
    '</svg>',
  ].join('\n');
}

/** A chart in words, for who does not see it. */
export function describeChart({ title, xLabel, yLabel, series, references = [] }: Chart): string {
  const curves = series.map(({ name, points }) => {
    const [from, to] = [points[0]![1], points.at(-1)![1]];
    return `${name} goes from ${formatValue(from)} to ${formatValue(to)}`;
  });
  const lines = references.map(({ name, y }) => `a broken line marks ${name} (${formatValue(y)})`);
  return `${title}: ${yLabel} over ${xLabel}. ${[...curves, ...lines].join('; ')}.`;
}
