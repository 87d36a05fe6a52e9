/**
 * A game on the page: the figure of its kind, the numbers, the charts, and the same in words for whoever does not see
 * them.
 */
import { pushForward, sigmoid } from '../../src/measure/one-dimension.js';
import { prepare } from './canvas.js';
import { drawChart, MEANS_AXIS, type Moment, PLAYED_AXIS, VALUE_AXIS } from './chart.js';
import { elements, show } from './elements.js';
import { drawImagesFigure } from './figure-images.js';
import { drawLineFigure } from './figure-line.js';
import { drawPlaneFigure } from './figure-plane.js';
import type { Game } from './game.js';
import { type Data, type Kind, LINE, type View } from './messages.js';

const LEGENDS: Readonly<Record<Kind, readonly (readonly [string, string])[]>> = {
  line: [
    ['dotted', 'pdata'],
    ['solid', 'pg, drawn smoothly'],
    ['dashed', 'D'],
    ['soft', 'D’s optimum, eq. 2'],
  ],
  plane: [
    ['dot data', 'data'],
    ['dot green', 'G'],
    ['dot blue', 'D near 1'],
    ['dot orange', 'D near 0'],
  ],
  images: [['plain', 'Top row: data. Below: G(z)']],
};

/** Writes what the lines and points of a figure mean. */
export function writeLegend(kind: Kind): void {
  elements.legend.replaceChildren(
    ...LEGENDS[kind].map(([look, text]) => {
      const item = document.createElement('li');
      item.className = look;
      const [, index, rest = ''] = /^p(data|g)(.*)$/.exec(text) ?? [];
      item.append(index === undefined ? text : 'p');
      if (index !== undefined)
        item.append(Object.assign(document.createElement('sub'), { textContent: index }), rest);
      return item;
    }),
  );
}

/** Draws the figure of some data, without networks while there is no view. */
export function drawFigure(data: Data, view?: View): void {
  const surface = prepare(elements.figure);
  if (data.kind === 'line') {
    const networks = view && {
      generated: pushForward(view.fakes, LINE),
      d: sigmoid(view.logits),
      images: view.fakes,
    };
    drawLineFigure(surface, { data: data.density, ...networks });
  } else if (data.kind === 'plane') {
    drawPlaneFigure(surface, { data: data.points, fakes: view?.fakes, logits: view?.logits });
  } else {
    drawImagesFigure(surface, { size: data.size, data: data.pixels, fakes: view?.fakes });
  }
}

const format = (value: number, digits: number): string =>
  Number.isFinite(value) ? value.toFixed(digits).replace('-', '−') : '–';

/** Spread of numbers around their mean. */
function deviation(values: Float32Array): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
}

/** Below this spread of x = G(z) all arrows lead to one place. */
const COLLAPSED = 0.06;

function noteCollapse(game: Game, view: View): void {
  const isCollapsed = game.kind !== 'images' && view.steps > 0 && deviation(view.fakes) < COLLAPSED;
  const text = 'Helvetica: nearly all z have collapsed to the same x.';
  if (isCollapsed) elements.status.textContent = text;
  else if (elements.status.textContent === text) elements.status.textContent = '';
}

function writeNumbers(game: Game, view: View, { divergence, value, dReal, dFake }: Moment): void {
  elements.steps.textContent = view.steps.toLocaleString('en');
  elements.divergenceBox.hidden = game.kind === 'images';
  elements.divergence.textContent = format(divergence, 4);
  elements.value.textContent = format(value, 4);
  elements.means.textContent = `${format(dReal, 3)}, ${format(dFake, 3)}`;
  elements.engine.textContent = `Trained by ${view.engine}, traced to ONNX in this page. Nothing is sent anywhere.`;
  const known = Number.isFinite(divergence) ? `2·JSD is ${format(divergence, 3)}, ` : '';
  elements.figure.ariaLabel =
    `${game.kind === 'images' ? 'Images' : 'Data, generator and discriminator'} after ${view.steps} steps: ` +
    `${known}D is ${format(dReal, 2)} on data and ${format(dFake, 2)} on fakes.`;
}

/** Shows a game as it stands. */
export function drawEverything(game: Game): void {
  const { view, moments } = game;
  const moment = moments.at(-1);
  if (!view || !moment) return;
  drawFigure(game.plan.data, view);
  writeNumbers(game, view, moment);
  noteCollapse(game, view);
  const value = prepare(elements.chartValue);
  const { blue, green, orange, faint } = value.colours;
  const isKnown = game.kind !== 'images';
  drawChart(value, moments, isKnown ? VALUE_AXIS : PLAYED_AXIS, [
    { pick: ({ value }) => value, colour: isKnown ? faint : green, width: isKnown ? 1 : 1.8 },
    ...(isKnown ? [{ pick: ({ divergence }: Moment) => divergence, colour: green, width: 2.2 }] : []),
  ]);
  show(
    elements.chartValueText,
    isKnown ? 'C(G) + log 4 = 2·JSD, towards 0; thin: V + log 4 as played' : 'V(D, G) + log 4, as played',
  );
  drawChart(prepare(elements.chartMeans), moments, MEANS_AXIS, [
    { pick: ({ dReal }) => dReal, colour: blue },
    { pick: ({ dFake }) => dFake, colour: orange },
  ]);
}
