/**
 * Loading a generator with its progress on view, its cancelling, and what went wrong. It does not know what the
 * generator is for.
 */
import { messageOf } from '../../core/errors.js';
import type { LatentDescription } from '../../sample/index.js';
import { loadGenerator, type WebGenerator } from '../client.js';
import { describeProgress } from '../element-view.js';
import { bindButton, findElement } from './find-element.js';
import type { Device } from './state.js';

/** What to load, and where to run it. */
export interface LoadWish {
  readonly source: string;
  readonly device: Device;
  readonly threads: number | undefined;
  readonly describe: LatentDescription | undefined;
}

/** The parts of the page that speak of loading and of failures. */
export interface Loader {
  /** The generator, or undefined when it was cancelled, has failed, or a newer load took its place. */
  load(wish: LoadWish): Promise<WebGenerator | undefined>;
  /** Shows what went wrong, with a button to try again. */
  fail(error: unknown): void;
  /** Takes it away again. */
  clear(): void;
}

/** Sets up the parts of the page; `onRetry` is called by the button beside a failure. */
export function setUpLoader(onRetry: () => void): Loader {
  const loading = findElement('loading', HTMLElement);
  const progress = findElement('progress', HTMLProgressElement);
  const words = findElement('progress-text', HTMLParagraphElement);
  const problem = findElement('problem', HTMLElement);
  const message = findElement('problem-text', HTMLParagraphElement);
  let canceller: AbortController | undefined;

  const fail = (error: unknown): void => {
    loading.hidden = true;
    problem.hidden = false;
    message.textContent = messageOf(error);
  };
  const clear = (): void => {
    problem.hidden = true;
  };
  bindButton('cancel', () => {
    canceller?.abort();
    canceller = undefined;
    fail('Loading was cancelled.');
  });
  bindButton('retry', onRetry);

  const load = async ({ source, ...wish }: LoadWish): Promise<WebGenerator | undefined> => {
    canceller?.abort();
    const own = new AbortController();
    canceller = own;
    loading.hidden = false;
    clear();
    words.textContent = 'Loading';
    progress.removeAttribute('value');
    try {
      const generator = await loadGenerator(source, {
        ...wish,
        signal: own.signal,
        onProgress: (now) => {
          words.textContent = describeProgress(now);
          const { phase, loadedBytes, totalBytes } = now;
          // Without a value the bar says that something goes on.
          if (phase === 'download' && totalBytes) progress.value = loadedBytes / totalBytes;
          else progress.removeAttribute('value');
        },
      });
      loading.hidden = true;
      return generator;
    } catch (error) {
      if (!own.signal.aborted) fail(error);
      return undefined;
    }
  };
  return { load, fail, clear };
}
