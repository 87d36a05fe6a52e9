/**
 * The elements of index.html that the scripts use, found once. It knows no behaviour but showing and hiding.
 */
import { expected } from '../../src/core/errors.js';

/** @throws GanError `BAD_ARGUMENT` when the page has none of that kind: page and script do not belong together */
function find<T extends HTMLElement>(id: string, kind: new () => T): T {
  const element = document.getElementById(id);
  if (element instanceof kind) return element;
  throw expected('page', `an element #${id} of kind ${kind.name}`, element?.tagName ?? 'none');
}

const button = (id: string): HTMLButtonElement => find(id, HTMLButtonElement);
const canvas = (id: string): HTMLCanvasElement => find(id, HTMLCanvasElement);
const input = (id: string): HTMLInputElement => find(id, HTMLInputElement);
const select = (id: string): HTMLSelectElement => find(id, HTMLSelectElement);
const part = (id: string): HTMLElement => find(id, HTMLElement);

export const elements = {
  tabs: { line: button('tab-line'), plane: button('tab-plane'), images: button('tab-images') },
  panel: part('panel'),
  words: part('words'),
  figure: canvas('figure'),
  legend: part('legend'),
  hand: part('hand'),
  play: button('play'),
  step: button('step'),
  restart: button('restart'),
  speed: input('speed'),
  speedValue: part('speed-value'),
  problem: part('problem'),
  steps: part('steps'),
  divergenceBox: part('divergence-box'),
  divergence: part('divergence'),
  value: part('value'),
  means: part('means'),
  chartValue: canvas('chart-value'),
  chartValueText: part('chart-value-text'),
  chartMeans: canvas('chart-means'),
  status: part('status'),
  data: select('data'),
  filesField: part('files-field'),
  files: input('files'),
  loss: select('loss'),
  k: select('k'),
  rateD: input('rate-d'),
  rateDValue: part('rate-d-value'),
  rateG: input('rate-g'),
  rateGValue: part('rate-g-value'),
  halving: select('halving'),
  seed: input('seed'),
  width: select('width'),
  device: select('device'),
  defaults: button('defaults'),
  helvetica: button('helvetica'),
  download: button('download'),
  engine: part('engine'),
} as const;

/** Shows a text in an element that is hidden without one. */
export function show(element: HTMLElement, text: string | undefined): void {
  element.hidden = text === undefined;
  element.textContent = text ?? '';
}
