/**
 * A generator one can draw from: a Session that is handed in, plus what its file says of it.
 * It knows neither files nor concrete runtimes, and hands out only tensors that the caller may keep.
 */
/// <reference lib="esnext.disposable" preserve="true" />
import { expected } from '../core/errors.js';
import type { GeneratorMetadata } from '../core/metadata.js';
import { type FloatTensor, plainTensor, sizeOf } from '../core/tensor.js';
import type { RefusedDevice, Session, WorkerState } from '../core/types.js';
import { makeWay } from './give-way.js';
import { inOrder } from './in-order.js';
import { checkSession } from './layout.js';
import { makeRun } from './run-generator.js';
import {
  type InterpolateOptions,
  mostSamples,
  type Plan,
  planSamples,
  planWalk,
  type SampleOptions,
} from './sample-options.js';

/** What was drawn. */
export interface Drawn {
  /** [n, latentSize], truncated as they were used. */
  readonly latents: FloatTensor;
  /** [n, H, W, C] in the generator's `imageRange`. */
  readonly images: FloatTensor;
  /** The class of each sample, of a labelled generator. */
  readonly labels?: Int32Array;
}

/** Samples `from` and on of a seed; of several seeds, the place of the first one among them. */
export interface Samples extends Drawn {
  readonly from: number;
}

/** A generator that is ready to be drawn from; the caller disposes it. */
export interface Generator extends AsyncDisposable {
  readonly metadata: GeneratorMetadata;
  readonly runtime: string;
  readonly device: string;
  /** The version of the runtime's package. */
  readonly version: string;
  /** What within the package runs it, where there is a choice. */
  readonly engine?: string;
  /** Devices that were tried or passed over before this one, and why. */
  readonly refused: readonly RefusedDevice[];
  /** It takes the class of each sample, one of `metadata.labels`. */
  readonly labelled: boolean;
  /**
   * Draws samples and holds them all in memory.
   *
   * @throws GanError `BAD_ARGUMENT` for an option out of range, and for more than 2 GiB
   */
  sample(options?: SampleOptions): Promise<Samples>;
  /**
   * Draws the way from one sample to another and holds it in memory.
   *
   * @throws GanError `BAD_ARGUMENT` for an option out of range, and for more than 2 GiB
   */
  interpolate(options: InterpolateOptions): Promise<Drawn>;
  /**
   * Draws any number of samples, `batch` at a time, in memory that does not grow: nothing is drawn that is not asked
   * for, but for one batch ahead for each thread where the model runs in threads.
   *
   * @throws GanError `BAD_ARGUMENT` for an option out of range
   */
  stream(options?: SampleOptions): AsyncGenerator<Samples, void, void>;
  /**
   * Runs the model on given latents.
   *
   * @param latents [n, latentSize]
   * @param labels  the class of each, for a labelled generator only
   * @param signal  the promise is rejected with its reason; at once where the model runs in threads
   * @returns [n, H, W, C], whatever the file's layout
   * @throws GanError `BAD_ARGUMENT` for latents or labels of another shape
   */
  run(latents: FloatTensor, labels?: Int32Array, signal?: AbortSignal): Promise<FloatTensor>;
  /** How busy the threads are; present where the model runs in threads of its own. */
  workers?(): WorkerState;
  /** Frees the session; a second time does nothing. `await using` does it at the end of its block. */
  dispose(): Promise<void>;
}

/**
 * Joins a session and the metadata of its file.
 *
 * @param refused what was tried before this session's device
 * @throws GanError `BAD_MODEL_FILE` when the session's input or output is not what the metadata says
 */
export function createGenerator(
  session: Session,
  metadata: GeneratorMetadata,
  refused: readonly RefusedDevice[] = [],
): Generator {
  const fitting = checkSession(session, metadata);
  const run = makeRun(session, metadata, fitting);
  const names = fitting.labels === undefined ? undefined : metadata.labels;
  const { latentSize, imageShape } = metadata;

  async function* drawBatches(plan: Plan): AsyncGenerator<Samples, void, void> {
    const { count, from, batch, signal, cut } = plan;
    const giveWay = makeWay();
    // Ends what threads still do for somebody who takes no more.
    const stopper = new AbortController();
    const stop = (): void => stopper.abort(signal?.reason);
    signal?.addEventListener('abort', stop, { once: true });
    const draw = async (at: number): Promise<Samples> => {
      signal?.throwIfAborted();
      const { latents, labels } = cut(at, Math.min(batch, count - at));
      const images = await run(latents, labels, stopper.signal);
      await giveWay();
      signal?.throwIfAborted();
      return { from: from + at, latents, images, ...(labels ? { labels } : {}) };
    };
    function* pieces() {
      for (let at = 0; at < count; at += batch) yield () => draw(at);
    }
    try {
      yield* inOrder(pieces(), session.workers?.().workers ?? 1);
    } finally {
      signal?.removeEventListener('abort', stop);
      stopper.abort();
    }
  }

  const drawAll = async (plan: Plan): Promise<Samples> => {
    const { count, from } = plan;
    const latents = new Float32Array(count * latentSize);
    const images = new Float32Array(count * sizeOf(imageShape));
    const labels = names ? new Int32Array(count) : undefined;
    for await (const part of drawBatches(plan)) {
      const at = part.from - from;
      latents.set(part.latents.data, at * latentSize);
      images.set(part.images.data, at * sizeOf(imageShape));
      if (part.labels) labels?.set(part.labels, at);
    }
    return {
      from,
      latents: plainTensor(latents, [count, latentSize]),
      images: plainTensor(images, [count, ...imageShape]),
      ...(labels ? { labels } : {}),
    };
  };

  const sample = async (options: SampleOptions = {}): Promise<Samples> => {
    const plan = planSamples(metadata, names, options);
    const most = mostSamples(metadata);
    if (plan.count <= most) return await drawAll(plan);
    const remedy = 'Draw them batch by batch: `stream()`, or `ganx sample --out-dir`.';
    throw expected('sample', `at most ${most} samples at once (2 GiB)`, plan.count, remedy);
  };

  const interpolate = async (options: InterpolateOptions): Promise<Drawn> => {
    const { from: _, ...drawn } = await drawAll(planWalk(metadata, names, options));
    return drawn;
  };

  const dispose = (): Promise<void> => session.dispose();
  return {
    metadata,
    runtime: session.runtime,
    device: session.device,
    version: session.version,
    ...(session.engine === undefined ? {} : { engine: session.engine }),
    refused,
    labelled: names !== undefined,
    sample,
    interpolate,
    // Not itself a generator function, so that a bad option throws here and not at the first batch.
    stream: (options = {}) => drawBatches(planSamples(metadata, names, options)),
    run,
    ...(session.workers ? { workers: session.workers } : {}),
    dispose,
    [Symbol.asyncDispose]: dispose,
  };
}
