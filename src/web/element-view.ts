/**
 * What `<ganx-samples>` shows: the grid, the progress of loading, an error, and a line for screen readers, in a shadow
 * tree. It knows neither generators nor workers.
 */
import type { GanError } from '../core/errors.js';
import type { GeneratorMetadata } from '../core/metadata.js';
import type { Samples } from '../sample/index.js';
import type { LoadProgress } from './messages.js';
import { createSampleGrid, type SampleGrid } from './sample-grid.js';
import { ELEMENT_STYLE, GRID_STYLE, makeSheet } from './style.js';

/** The element's shadow tree. */
export interface ElementView {
  readonly grid: SampleGrid;
  showProgress(progress: LoadProgress): void;
  showSamples(samples: Samples, metadata: GeneratorMetadata, seed: number): void;
  showError(error: GanError): void;
}

/** Progress in words, for a label: `Loading, 1.2 of 5.4 MB`. */
export function describeProgress({ phase, loadedBytes, totalBytes }: LoadProgress): string {
  if (phase === 'open') return 'Opening the model';
  const inKilobytes = (totalBytes ?? loadedBytes) < 1e6;
  const show = (count: number) => (inKilobytes ? (count / 1e3).toFixed(0) : (count / 1e6).toFixed(1));
  const ofTotal = totalBytes === undefined ? '' : ` of ${show(totalBytes)}`;
  return `Loading, ${show(loadedBytes)}${ofTotal} ${inKilobytes ? 'kB' : 'MB'}`;
}

/** A line that stands in place of the grid at times, with a slot around its content. */
function makeLine(name: string, ...content: readonly HTMLElement[]): HTMLElement {
  const line = document.createElement('div');
  line.className = `line ${name}`;
  line.setAttribute('part', name);
  line.hidden = true;
  const slot = document.createElement('slot');
  slot.name = name;
  slot.append(...content);
  line.append(slot);
  return line;
}

/** Attaches the shadow tree. */
export function createElementView(host: HTMLElement, onSelect: (index: number) => void): ElementView {
  const root = host.attachShadow({ mode: 'open' });
  root.adoptedStyleSheets = [makeSheet(GRID_STYLE, ELEMENT_STYLE)];
  const grid = createSampleGrid(onSelect);
  const progress = document.createElement('progress');
  progress.setAttribute('part', 'progress');
  progress.setAttribute('aria-label', 'Loading the generator');
  const words = document.createElement('span');
  const loading = makeLine('loading', progress, words);
  const message = document.createElement('span');
  const error = makeLine('error', message);
  const status = document.createElement('p');
  status.className = 'status';
  status.setAttribute('part', 'status');
  status.setAttribute('role', 'status');
  root.append(loading, error, grid.element, status);

  /** Shows one of the lines, or none; says something to screen readers if it is new. */
  const show = (line: HTMLElement | undefined, text: string): void => {
    loading.hidden = line !== loading;
    error.hidden = line !== error;
    grid.element.hidden = line === error;
    grid.element.setAttribute('aria-busy', String(line === loading));
    if (status.textContent !== text) status.textContent = text;
  };

  return {
    grid,
    showProgress: (now) => {
      words.textContent = describeProgress(now);
      const { phase, loadedBytes, totalBytes } = now;
      // Without a value the bar says that something goes on.
      if (phase === 'download' && totalBytes) progress.value = loadedBytes / totalBytes;
      else progress.removeAttribute('value');
      // Not every step: that would be read out without an end.
      show(loading, phase === 'open' ? 'Opening the model' : 'Loading the generator');
    },
    showSamples: (samples, metadata, seed) => {
      grid.show(samples, metadata, seed);
      show(undefined, grid.element.getAttribute('aria-label') ?? '');
    },
    showError: ({ message: text }) => {
      message.textContent = text;
      show(error, text);
    },
  };
}
