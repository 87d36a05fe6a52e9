/**
 * The controls of the open game: each change goes to the game at once. It draws nothing but hand-made data.
 */
import { DATA_SETS } from './data-sets.js';
import { CALM, HELVETICA, SPEEDS, WIDTHS } from './defaults.js';
import { elements, show } from './elements.js';
import { locate } from './figure-line.js';
import { locatePoint } from './figure-plane.js';
import type { Game } from './game.js';
import { bindPen, drawDensity, sprayPoints } from './hand.js';
import type { Plan } from './messages.js';
import { readOwnImages } from './own-images.js';
import { drawFigure } from './show.js';

/** What the page does with the controls. */
export interface Controls {
  /** Shows another game's settings. */
  showGame(game: Game): void;
  /** Shows whether it plays. */
  showState(game: Game): void;
}

const BEGINNING = 'Tracing the step to ONNX and compiling it …';

/** The choice of data of each game. */
const chosen = new WeakMap<Game, string>();
let stopPen: (() => void) | undefined;

function fill(list: HTMLSelectElement, choices: readonly (readonly [string, string])[]): void {
  list.replaceChildren(...choices.map(([value, text]) => new Option(text, value)));
}

function showRates({ rateD, rateG }: Pick<Plan, 'rateD' | 'rateG'>): void {
  elements.rateDValue.textContent = String(Number(rateD.toPrecision(2)));
  elements.rateGValue.textContent = String(Number(rateG.toPrecision(2)));
}

function showPlan({ plan, stepsPerPicture }: Game): void {
  elements.loss.value = plan.loss;
  elements.k.value = String(plan.k);
  elements.rateD.value = String(Math.log10(plan.rateD));
  elements.rateG.value = String(Math.log10(plan.rateG));
  showRates(plan);
  elements.halving.value = String(plan.halving);
  elements.seed.value = String(plan.seed);
  elements.width.value = String(plan.width);
  elements.device.value = plan.device;
  elements.speed.value = String(SPEEDS.indexOf(stepsPerPicture));
  elements.speedValue.textContent = String(stepsPerPicture);
}

/** Lets the visitor draw the game's data on its figure. */
function takePen(game: Game): void {
  const { data } = game.plan;
  const isLine = data.kind === 'line';
  const drawing = data.kind === 'line' ? drawDensity(data.density) : sprayPoints();
  show(
    elements.hand,
    `Draw ${isLine ? 'a density' : 'points'} on the figure; or with the arrow keys, while Shift is held. Then train.`,
  );
  const surface = () => ({ width: elements.figure.clientWidth, height: elements.figure.clientHeight });
  const place = (px: number, py: number): readonly [number, number] => {
    if (!isLine) return locatePoint(surface(), px, py);
    const { x, level } = locate(surface(), px, py);
    return [x, level];
  };
  let isChanged = false;
  stopPen = bindPen(elements.figure, place, (x, y, isDown) => {
    drawing.moveTo(x, y, isDown);
    const drawn = drawing.read();
    isChanged ||= isDown;
    drawFigure(drawn ?? game.plan.data);
    if (!drawn || isDown || !isChanged) return;
    isChanged = false;
    void game.change({ data: drawn });
  });
}

function chooseData(game: Game, name: string): void {
  chosen.set(game, name);
  stopPen?.();
  stopPen = undefined;
  show(elements.hand, undefined);
  elements.filesField.hidden = name !== 'own';
  const { make } = DATA_SETS[game.kind][name]!;
  if (make) void game.change({ data: make() });
  else if (name === 'hand') takePen(game);
}

async function download(game: Game): Promise<void> {
  elements.status.textContent = 'Exporting and checking …';
  const file = await game.exportFile();
  if (!file) {
    elements.status.textContent = '';
    return;
  }
  const address = URL.createObjectURL(new Blob([file.bytes], { type: 'application/octet-stream' }));
  Object.assign(document.createElement('a'), { href: address, download: 'generator.onnx' }).click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
  const difference = file.maxDifference.toExponential(1);
  elements.status.textContent = `generator.onnx: within ${difference} of the live network.`;
}

async function readFiles(game: Game): Promise<void> {
  show(elements.problem, undefined);
  try {
    await game.change({ data: await readOwnImages(elements.files.files ?? []) });
  } catch (error) {
    show(elements.problem, error instanceof Error ? error.message : String(error));
  }
}

/** Binds everything; `current` is the game of the open tab. */
export function bindControls(current: () => Game): Controls {
  const on = (element: HTMLElement, type: string, act: (game: Game) => unknown): void =>
    element.addEventListener(type, () => void act(current()));
  const onChange = (element: HTMLElement, read: () => Partial<Plan>): void =>
    on(element, 'change', (game) => game.change(read()));

  on(elements.play, 'click', (game) => (game.isPlaying ? game.pause() : game.play()));
  on(elements.step, 'click', (game) => game.step());
  on(elements.restart, 'click', (game) => game.restart());
  on(elements.speed, 'input', (game) => {
    game.stepsPerPicture = SPEEDS[Number(elements.speed.value)]!;
    elements.speedValue.textContent = String(game.stepsPerPicture);
  });
  on(elements.data, 'change', (game) => chooseData(game, elements.data.value));
  on(elements.files, 'change', readFiles);
  onChange(elements.loss, () => ({ loss: elements.loss.value as Plan['loss'] }));
  onChange(elements.k, () => ({ k: Number(elements.k.value) }));
  onChange(elements.halving, () => ({ halving: Number(elements.halving.value) }));
  onChange(elements.width, () => ({ width: Number(elements.width.value) }));
  onChange(elements.device, () => ({ device: elements.device.value as Plan['device'] }));
  const readRates = () => ({
    rateD: 10 ** Number(elements.rateD.value),
    rateG: 10 ** Number(elements.rateG.value),
  });
  for (const slider of [elements.rateD, elements.rateG]) {
    on(slider, 'input', () => showRates(readRates()));
    onChange(slider, readRates);
  }
  on(elements.seed, 'change', (game) => {
    if (elements.seed.reportValidity()) void game.change({ seed: Number(elements.seed.value) });
  });
  on(elements.defaults, 'click', async (game) => {
    const changed = game.change(CALM[game.kind]);
    showPlan(game);
    await changed;
    await game.play();
  });
  on(elements.helvetica, 'click', async (game) => {
    // Between two humps it is seen best that G chooses one place.
    if (game.kind === 'line') {
      elements.data.value = 'mixture';
      chooseData(game, 'mixture');
    }
    const begun = game.change({ ...HELVETICA }).then(() => game.restart());
    showPlan(game);
    await begun;
    await game.play();
  });
  on(elements.download, 'click', download);

  return {
    showGame(game) {
      fill(
        elements.data,
        Object.entries(DATA_SETS[game.kind]).map(([value, { name }]) => [value, name]),
      );
      fill(
        elements.width,
        WIDTHS[game.kind].map((width) => [String(width), String(width)]),
      );
      stopPen?.();
      stopPen = undefined;
      show(elements.hand, undefined);
      elements.data.value = chosen.get(game) ?? Object.keys(DATA_SETS[game.kind])[0]!;
      elements.filesField.hidden = elements.data.value !== 'own';
      if (elements.data.value === 'hand') takePen(game);
      showPlan(game);
      this.showState(game);
    },
    showState(game) {
      const isReady = game.view !== undefined;
      elements.play.textContent = game.isPlaying ? 'Pause' : 'Train';
      for (const button of [elements.play, elements.step, elements.restart, elements.download]) {
        button.disabled = !isReady;
      }
      const { status } = elements;
      if (game.isBeginning) status.textContent = BEGINNING;
      else if (status.textContent === BEGINNING) status.textContent = '';
      elements.panel.dataset.busy = String(!isReady || game.isBusy);
    },
  };
}
