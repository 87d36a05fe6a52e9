/**
 * A grid of samples: one canvas in one labelled button each, a single stop of the Tab key, arrow keys within.
 * Shared by the element and the page that `ganx embed` writes. It knows no generator and no worker; its look is in
 * style.ts.
 */
import type { GeneratorMetadata } from '../core/metadata.js';
import type { Samples } from '../sample/index.js';
import { paint, toPixels } from './picture.js';

/** A grid on a page. */
export interface SampleGrid {
  /** To be put where the grid should be; part `grid`. */
  readonly element: HTMLElement;
  /** One button for each sample; none for points. */
  readonly tiles: readonly HTMLButtonElement[];
  /** Shows samples instead of the present ones; a focused button stays focused. */
  show(samples: Samples, metadata: GeneratorMetadata, seed: number): void;
  /** Images in a row; as many as fit when undefined. */
  setColumns(columns: number | undefined): void;
}

/** Images up to this size are enlarged with hard edges: smoothed, they would be a blur. */
export const SMALL = 96;

/** What a sample is called: its number is that of the command line and of the functions. */
export function nameSample(
  { from, labels }: Samples,
  { labels: names }: GeneratorMetadata,
  seed: number,
  i: number,
): string {
  const label = labels?.[i];
  const name = label === undefined ? undefined : names?.[label];
  return `Sample ${from + i} of seed ${seed}${name === undefined ? '' : `, ${name}`}`;
}

/** How many tiles lie in the first row. */
function countColumns(tiles: readonly HTMLElement[]): number {
  const below = tiles.findIndex((tile) => tile.offsetTop > tiles[0]!.offsetTop);
  return below < 0 ? tiles.length : below;
}

/** Where a key leads from tile `at`, or undefined when it leads nowhere. */
function destination(key: string, at: number, tiles: readonly HTMLElement[]): number | undefined {
  const columns = countColumns(tiles);
  const steps: Readonly<Record<string, number>> = {
    ArrowLeft: at - 1,
    ArrowRight: at + 1,
    ArrowUp: at - columns,
    ArrowDown: at + columns,
    Home: 0,
    End: tiles.length - 1,
  };
  const to = Object.hasOwn(steps, key) ? steps[key] : undefined;
  return to === undefined || to < 0 || to >= tiles.length ? undefined : to;
}

function makeTile(): HTMLButtonElement {
  const tile = document.createElement('button');
  tile.type = 'button';
  tile.tabIndex = -1;
  tile.setAttribute('part', 'sample');
  const canvas = document.createElement('canvas');
  canvas.setAttribute('part', 'image');
  // The button has the name; a second one would be read out twice.
  canvas.setAttribute('aria-hidden', 'true');
  tile.append(canvas);
  return tile;
}

/** @param onSelect is called with the place of a sample that is clicked, or whose button gets Enter or Space */
export function createSampleGrid(onSelect: (index: number) => void): SampleGrid {
  const element = document.createElement('div');
  element.setAttribute('part', 'grid');
  element.setAttribute('role', 'group');
  element.className = 'grid';
  const tiles: HTMLButtonElement[] = [];

  /** Makes one tile the grid's stop of the Tab key. */
  const setStop = (at: number): void => {
    for (const [i, tile] of tiles.entries()) tile.tabIndex = i === at ? 0 : -1;
  };
  const placeOf = (event: Event): number =>
    tiles.findIndex((tile) => event.target instanceof Node && tile.contains(event.target));

  element.addEventListener('click', (event) => {
    const at = placeOf(event);
    if (at >= 0) onSelect(at);
  });
  element.addEventListener('focusin', (event) => {
    const at = placeOf(event);
    if (at >= 0) setStop(at);
  });
  element.addEventListener('keydown', (event) => {
    const at = placeOf(event);
    const to =
      at < 0 || event.ctrlKey || event.metaKey || event.altKey
        ? undefined
        : destination(event.key, at, tiles);
    if (to === undefined) return;
    event.preventDefault();
    tiles[to]!.focus();
  });

  const setCount = (count: number): void => {
    while (tiles.length > count) tiles.pop()!.remove();
    while (tiles.length < count) {
      const tile = makeTile();
      tiles.push(tile);
      element.append(tile);
    }
    if (!tiles.some((tile) => tile.tabIndex === 0)) setStop(0);
  };

  const showPlot = (canvas: HTMLCanvasElement, label: string): void => {
    setCount(0);
    canvas.setAttribute('part', 'plot');
    canvas.setAttribute('role', 'img');
    canvas.setAttribute('aria-label', label);
    element.replaceChildren(canvas);
  };

  const show = (samples: Samples, metadata: GeneratorMetadata, seed: number): void => {
    const pixels = toPixels(samples.images, metadata);
    const count = samples.images.shape[0]!;
    element.setAttribute('aria-label', `${count} samples of seed ${seed}`);
    element.dataset.kind = metadata.kind;
    if (metadata.kind === 'points') {
      const canvas = document.createElement('canvas');
      paint(canvas, pixels[0]!);
      showPlot(canvas, `${count} points of seed ${seed}, plotted`);
      return;
    }
    if (tiles.length === 0) element.replaceChildren();
    setCount(count);
    element.toggleAttribute('data-pixelated', Math.max(...metadata.imageShape.slice(0, 2)) <= SMALL);
    for (const [i, tile] of tiles.entries()) {
      paint(tile.firstElementChild as HTMLCanvasElement, pixels[i]!);
      tile.setAttribute('aria-label', nameSample(samples, metadata, seed, i));
    }
  };

  const setColumns = (columns: number | undefined): void => {
    element.style.gridTemplateColumns = columns === undefined ? '' : `repeat(${columns}, minmax(0, 1fr))`;
  };
  return { element, tiles, show, setColumns };
}
