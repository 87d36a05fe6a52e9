/**
 * `<ganx-samples src="generator.onnx" count="16" seed="7">`: an element that loads a generator and shows samples.
 * It only joins client.ts (loading and drawing, in a worker) and sample-grid.ts (showing), and tells of it by events.
 */
import { expected, GanError, messageOf } from '../core/errors.js';
import type { GeneratorMetadata } from '../core/metadata.js';
import type { LatentDescription, Samples } from '../sample/index.js';
import { loadGenerator, type WebGenerator, type WebLoadOptions } from './client.js';
import { ATTRIBUTES, PropertyElement } from './element-properties.js';
import { createElementView, type ElementView } from './element-view.js';
import type { LoadProgress } from './messages.js';
import { drawPicture, saveFile } from './picture.js';

/** What the element's events carry in `detail`; all of them bubble, out of shadow trees too. */
export interface GanxSamplesEvents {
  /** The file is on its way, or being opened. */
  'ganx-progress': LoadProgress;
  /** A generator is ready. */
  'ganx-load': { readonly generator: WebGenerator };
  /** New samples are on view. */
  'ganx-draw': { readonly samples: Samples; readonly seed: number; readonly durationMs: number };
  /** The visitor chose a sample: place `index` in the grid, number `number` of the seed. */
  'ganx-select': { readonly index: number; readonly number: number; readonly seed: number };
  /** Loading or drawing failed. */
  'ganx-error': { readonly error: GanError };
}

/** Attributes that only change what is drawn; all others, but `columns`, ask for the generator anew. */
const DRAWN = ['count', 'seed', 'truncation', 'label'];

/** The classes that an attribute names: `3`, `seven`, `0,1,2`. */
function readLabels(text: string | null, { labels = [] }: GeneratorMetadata): number | number[] | undefined {
  if (text === null) return undefined;
  const indices = text.split(',').map((part) => {
    const name = part.trim();
    const index = labels.indexOf(name);
    if (index >= 0) return index;
    if (/^\d+$/.test(name)) return Number(name);
    throw expected(
      'ganx-samples',
      'a class by name or number',
      name,
      `Known: ${labels.join(', ') || 'none'}.`,
    );
  });
  return indices.length === 1 ? indices[0] : indices;
}

/**
 * The element's class. Attributes, each with a property of the same name: `src`; `count` (16), `seed` (0),
 * `truncation` (1), `label` (class by name or number, or one for each sample by commas); `device` (`auto`, `webgpu`,
 * `wasm`), `threads`, `assets` as for {@link loadGenerator}; `columns`; and for files that other tools wrote `latent`
 * (`1x512`), `range` (`-1,1`), `layout`, `distribution`, `labels`.
 *
 * Slots `loading` and `error` replace what is shown then. Parts: `grid`, `sample`, `image`, `plot`, `loading`,
 * `progress`, `error`, `status`. Custom properties: `--ganx-size`, `--ganx-gap`, `--ganx-radius`, `--ganx-accent`,
 * `--ganx-error`. Events: {@link GanxSamplesEvents}.
 */
export class GanxSamplesElement extends PropertyElement {
  static readonly observedAttributes = ATTRIBUTES;

  readonly #view: ElementView;
  #generator: WebGenerator | undefined;
  #samples: Samples | undefined;
  #shownSeed = 0;
  /** Under way, or done: the generator for the present attributes. */
  #loading: Promise<WebGenerator> | undefined;
  #loadingCanceller: AbortController | undefined;
  #drawingCanceller: AbortController | undefined;
  #isScheduled = false;

  constructor() {
    super();
    this.#view = createElementView(this, (index) => this.#select(index));
  }

  /** The generator in use, once it is loaded; it belongs to the element. */
  get generator(): WebGenerator | undefined {
    return this.#generator;
  }

  /** The samples on view. */
  get samples(): Samples | undefined {
    return this.#samples;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    if (!this.#samples) this.#schedule();
  }

  disconnectedCallback(): void {
    // An element that is only moved is connected again before this runs.
    queueMicrotask(() => {
      if (!this.isConnected) this.#unload();
    });
  }

  attributeChangedCallback(name: string, before: string | null, after: string | null): void {
    if (before === after) return;
    if (name === 'columns') {
      this.#view.grid.setColumns(this.columns ?? undefined);
      return;
    }
    if (!DRAWN.includes(name)) this.#unload();
    this.#schedule();
  }

  /**
   * Draws the samples that the attributes ask for, and loads the generator first if need be. Changed attributes do so
   * by themselves; the promise is for those who want to wait.
   *
   * @throws GanError as `loadGenerator` and `sample`; an `AbortError` when a newer call takes its place
   */
  async draw(): Promise<Samples> {
    this.#isScheduled = false;
    this.#drawingCanceller?.abort();
    this.#drawingCanceller = new AbortController();
    const { signal } = this.#drawingCanceller;
    const { count, seed, truncation } = this;
    try {
      this.#loading ??= this.#load();
      const generator = await this.#loading;
      signal.throwIfAborted();
      const began = performance.now();
      const label = readLabels(this.label, generator.metadata);
      const samples = await generator.sample({ count, seed, truncation, label, signal });
      signal.throwIfAborted();
      this.#samples = samples;
      this.#shownSeed = seed;
      this.#view.showSamples(samples, generator.metadata, seed);
      this.#emit('ganx-draw', { samples, seed, durationMs: performance.now() - began });
      return samples;
    } catch (error) {
      if (!signal.aborted) this.#fail(error);
      throw error;
    }
  }

  /** Draws the samples of the next seed. */
  next(): Promise<Samples> {
    this.seed += 1;
    return this.draw();
  }

  /**
   * Saves what is on view as one PNG file.
   *
   * @throws GanError `BAD_ARGUMENT` before anything is on view
   */
  async download(name = `samples-${this.#shownSeed}.png`): Promise<void> {
    if (!this.#samples || !this.#generator) {
      throw expected('ganx-samples', 'samples on view', 'none', 'Wait for the event ganx-draw.');
    }
    const { metadata } = this.#generator;
    const picture = await drawPicture(this.#samples.images, metadata, { columns: this.columns ?? undefined });
    saveFile(picture, name);
  }

  /** Draws once all attributes of this task are set. */
  #schedule(): void {
    if (this.#isScheduled || !this.isConnected) return;
    this.#isScheduled = true;
    queueMicrotask(() => {
      if (!this.#isScheduled || !this.isConnected) return;
      this.#isScheduled = false;
      // Whatever goes wrong has been shown and told by an event.
      if (this.src !== null) this.draw().catch(() => undefined);
    });
  }

  async #load(): Promise<WebGenerator> {
    this.#loadingCanceller = new AbortController();
    const { signal } = this.#loadingCanceller;
    const onProgress = (progress: LoadProgress) => {
      this.#view.showProgress(progress);
      this.#emit('ganx-progress', progress);
    };
    if (this.src === null) throw expected('ganx-samples', 'an attribute src', 'none');
    const generator = await loadGenerator(this.src, { ...this.#loadOptions(), signal, onProgress });
    this.#generator = generator;
    this.#emit('ganx-load', { generator });
    return generator;
  }

  #loadOptions(): WebLoadOptions {
    const { device, threads, assets, latent, range, layout, distribution, labels } = this;
    const rest = Object.entries({ range, layout, distribution, labels }).filter(([, text]) => text !== null);
    const describe = latent === null ? undefined : { latent, ...Object.fromEntries(rest) };
    return {
      device: (device ?? 'auto') as WebLoadOptions['device'],
      threads: threads ?? undefined,
      assets: assets ?? undefined,
      describe: describe as LatentDescription | undefined,
    };
  }

  /** Gives the generator back, and stops what is under way. */
  #unload(): void {
    this.#drawingCanceller?.abort();
    this.#loadingCanceller?.abort();
    void this.#generator?.dispose();
    this.#generator = undefined;
    this.#loading = undefined;
    this.#samples = undefined;
  }

  #select(index: number): void {
    if (!this.#samples) return;
    this.#emit('ganx-select', { index, number: this.#samples.from + index, seed: this.#shownSeed });
  }

  #fail(cause: unknown): void {
    const error =
      cause instanceof GanError
        ? cause
        : new GanError(
            'RUNTIME_UNAVAILABLE',
            'ganx-samples',
            `Expected samples, got \`${messageOf(cause)}\`.`,
            {
              cause,
            },
          );
    // After a bad number the generator is as good as before; after anything else the next draw loads it anew.
    if (error.code !== 'BAD_ARGUMENT' || !this.#generator) this.#unload();
    this.#view.showError(error);
    this.#emit('ganx-error', { error });
  }

  #emit<T extends keyof GanxSamplesEvents>(type: T, detail: GanxSamplesEvents[T]): void {
    this.dispatchEvent(new CustomEvent(type, { detail, bubbles: true, composed: true }));
  }
}

/** Makes `<ganx-samples>`, or an element of another name, known to the page. */
export function defineGanxSamples(name = 'ganx-samples'): void {
  if (customElements.get(name)) return;
  // A class can have one name only.
  customElements.define(name, class extends GanxSamplesElement {});
}

declare global {
  interface HTMLElementTagNameMap {
    'ganx-samples': GanxSamplesElement;
  }
  interface HTMLElementEventMap {
    'ganx-progress': CustomEvent<GanxSamplesEvents['ganx-progress']>;
    'ganx-load': CustomEvent<GanxSamplesEvents['ganx-load']>;
    'ganx-draw': CustomEvent<GanxSamplesEvents['ganx-draw']>;
    'ganx-select': CustomEvent<GanxSamplesEvents['ganx-select']>;
    'ganx-error': CustomEvent<GanxSamplesEvents['ganx-error']>;
  }
}
