/**
 * The page that `ganx embed` writes: keeps the state in the address, has its generator draw, and hands the samples to
 * the parts of the page. index.html has the elements, app.css the look; what to begin with are attributes of the body.
 */
import type { LatentDescription, Samples } from '../../sample/index.js';
import type { WebGenerator } from '../client.js';
import { drawPicture, saveFile, toPixels } from '../picture.js';
import { createSampleGrid, nameSample } from '../sample-grid.js';
import { GRID_STYLE, makeSheet } from '../style.js';
import { balanceColumns } from './balance-columns.js';
import { setUpControls } from './controls.js';
import { setUpEnlarged } from './enlarged.js';
import { type Drawing, listFacts, summarizeDrawing, summarizeModel } from './facts.js';
import { findElement } from './find-element.js';
import { setUpLoader } from './loader.js';
import { watchPicks } from './pick-two.js';
import { MOST_IMAGES, type PageState, readState, toDevice, toWhole, writeState } from './state.js';
import { setUpWalk } from './walk-view.js';

/** Seeds of *new samples* are below this: short enough to be read to somebody. */
const SEEDS = 1_000_000;

const settings = document.body.dataset;
const threads = toWhole(settings.threads, 1, 64);

function readDescription(): LatentDescription | undefined {
  const { latent, range, layout, distribution, labels } = settings;
  const rest = Object.entries({ range, layout, distribution, labels }).filter(
    ([, text]) => text !== undefined,
  );
  return latent === undefined ? undefined : { latent, ...Object.fromEntries(rest) };
}

/** What is on view. */
interface View {
  readonly generator: WebGenerator;
  readonly samples: Samples;
  /** One for each sample; points share one. */
  readonly pixels: ReturnType<typeof toPixels>;
  readonly seed: number;
}

let initial: PageState = {
  seed: toWhole(settings.seed, 0, Number.MAX_SAFE_INTEGER) ?? 0,
  count: toWhole(settings.count, 1, Number.MAX_SAFE_INTEGER) ?? 16,
  truncation: 1,
  device: toDevice(settings.device),
};
let state = readState(location.hash, initial);
let generator: WebGenerator | undefined;
let view: View | undefined;
let drawing: AbortController | undefined;
/** What was said of the samples on view. */
let drawn = '';

const status = findElement('status', HTMLParagraphElement);
const place = findElement('samples', HTMLElement);
const tell = (text: string): void => {
  status.textContent = text;
};

const nameOf = ({ generator: { metadata }, samples, seed }: View, index: number) =>
  nameSample(samples, metadata, seed, index);
const fileNameOf = ({ generator: { metadata }, seed }: View, ...rest: readonly (string | number)[]) =>
  [metadata.model, 'seed', seed, ...rest].join('-');

document.adoptedStyleSheets = [...document.adoptedStyleSheets, makeSheet(GRID_STYLE)];
const grid = createSampleGrid((index) => {
  if (!picks.takeClick(index)) enlarge(index);
});
place.append(grid.element);
balanceColumns(grid);
const picks = watchPicks(grid, startWalk, tell);
const walk = setUpWalk(() => {
  tell(drawn);
  grid.tiles[0]?.focus();
});
const loader = setUpLoader(() => void reload());
const controls = setUpControls({
  onChange: (change, isPassing) => void changeState({ ...state, ...change }, !isPassing),
  onNext: () => {
    const [number = 0] = crypto.getRandomValues(new Uint32Array(1));
    void changeState({ ...state, seed: number % SEEDS }, true);
  },
  onDownload: () => void download(),
});
const enlarge = setUpEnlarged({
  sampleAt: (index) => {
    const pixels = view?.pixels[index];
    return (
      view && pixels && { name: nameOf(view, index), fileName: fileNameOf(view, 'sample', index), pixels }
    );
  },
  onClose: (index) => grid.tiles[index]?.focus(),
  onWalk: (index) => picks.begin(index),
});

function startWalk(from: number, to: number): void {
  if (!view) return;
  const title = `Walk from sample ${from} to sample ${to}`;
  const { generator: own } = view;
  tell(title);
  walk.start({ ...view, from, to, title, fileName: fileNameOf(view, 'walk', from, to) }).then(
    () => tell(`${title}: drawn. The slider goes through its steps.`),
    (error: unknown) => {
      // A generator that is being changed for another has no error to speak of.
      if (own === generator) loader.fail(error);
    },
  );
}

async function download(): Promise<void> {
  if (!view) return;
  const {
    samples,
    generator: { metadata },
  } = view;
  try {
    saveFile(await drawPicture(samples.images, metadata), `${fileNameOf(view)}.png`);
  } catch (error) {
    loader.fail(error);
  }
}

function showFacts({ generator: shown }: View, last: Drawing): void {
  const rows = listFacts(shown, threads, last).flatMap(([what, how]) => {
    const [term, text] = [document.createElement('dt'), document.createElement('dd')];
    term.textContent = what;
    text.textContent = how;
    return [term, text];
  });
  findElement('facts', HTMLDListElement).replaceChildren(...rows);
  findElement('about', HTMLDetailsElement).hidden = false;
}

/** Draws what the state asks for; of several calls only the last one's samples are shown. */
async function draw(): Promise<void> {
  if (!generator) return;
  drawing?.abort();
  const own = new AbortController();
  drawing = own;
  loader.clear();
  place.setAttribute('aria-busy', 'true');
  const { count, seed, truncation, label } = state;
  const began = performance.now();
  try {
    const samples = await generator.sample({ count, seed, truncation, label, signal: own.signal });
    if (own.signal.aborted) return;
    const durationMs = performance.now() - began;
    view = { generator, samples, pixels: toPixels(samples.images, generator.metadata), seed };
    picks.cancel();
    walk.close();
    grid.show(samples, generator.metadata, seed);
    showFacts(view, { count, durationMs });
    drawn = `${grid.element.ariaLabel}, ${summarizeDrawing(generator, { count, durationMs })}.`;
    tell(drawn);
    place.setAttribute('aria-busy', 'false');
    place.dataset.drawn = writeState(state, initial);
  } catch (error) {
    if (own.signal.aborted) return;
    place.setAttribute('aria-busy', 'false');
    loader.fail(error);
  }
}

async function reload(): Promise<void> {
  drawing?.abort();
  walk.close();
  const old = generator;
  generator = undefined;
  await old?.dispose();
  const source = settings.model ?? 'generator.onnx';
  const loaded = await loader.load({ source, device: state.device, threads, describe: readDescription() });
  if (!loaded) return;
  generator = loaded;
  fitState(loaded);
  controls.enable(loaded.metadata);
  controls.show(state);
  findElement('summary', HTMLParagraphElement).textContent = summarizeModel(loaded);
  findElement('hint', HTMLParagraphElement).hidden = loaded.metadata.kind === 'points';
  await draw();
}

/** What only the model can tell: points come by the thousand, and a class must be one that it has. */
function fitState({ metadata: { kind, labels } }: WebGenerator): void {
  const isUnsaid = settings.count === undefined && initial.count === 16;
  if (kind === 'points' && isUnsaid) initial = { ...initial, count: 2000 };
  state = readState(location.hash, initial);
  const { label, count } = state;
  if (label !== undefined && label >= (labels?.length ?? 0)) state = { ...state, label: undefined };
  if (kind === 'images' && count > MOST_IMAGES) state = { ...state, count: MOST_IMAGES };
}

/** @param isStep whether the browser's way back leads over it */
async function changeState(next: PageState, isStep: boolean): Promise<void> {
  const before = state;
  state = next;
  controls.show(state);
  const address = writeState(state, initial);
  if (address !== location.hash) history[isStep ? 'pushState' : 'replaceState'](null, '', address);
  if (state.device !== before.device) await reload();
  else await draw();
}

addEventListener('popstate', () => {
  const before = state;
  state = readState(location.hash, initial);
  controls.show(state);
  void (state.device === before.device ? draw() : reload());
});

if (settings.device === 'wasm') findElement('device-field', HTMLLabelElement).hidden = true;
controls.show(state);
void reload();
