/**
 * A generator one can draw from: a Session that is handed in, plus what its file says of it.
 * It knows neither files nor concrete runtimes, and hands out only tensors that the caller may keep.
 */
import { expected } from '../core/errors.js';
import type { GeneratorMetadata } from '../core/metadata.js';
import { bytesPerElement, type FloatTensor, plainTensor, sizeOf } from '../core/tensor.js';
import type { RefusedDevice, Session, WorkerState } from '../core/types.js';
import { makeWay } from './give-way.js';
import { assignLabels } from './labels.js';
import { drawLatents, truncateLatents } from './latents.js';
import { checkSession } from './layout.js';
import { makeRun } from './run-generator.js';

/** Which samples to draw. */
export interface SampleOptions {
  /** How many; 1 when absent. */
  readonly count?: number | undefined;
  /** 0 to 2^53 - 1; 0 when absent. */
  readonly seed?: number | undefined;
  /** Number of the first sample; 0 when absent. */
  readonly from?: number | undefined;
  /** Most samples in one run of the model; 64 when absent. */
  readonly batch?: number | undefined;
  /** 0 to 1, 1 when absent: latents are multiplied by it, for likelier and less varied images. */
  readonly truncation?: number | undefined;
  /** Class of every sample by index, or of each; when absent sample i takes class i mod n. For labelled generators. */
  readonly label?: number | readonly number[] | undefined;
  /** Stops between two runs of the model; the promise is then rejected with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** Samples `from` and on of a seed. */
export interface Samples {
  readonly from: number;
  /** [n, latentSize], truncated as they were used. */
  readonly latents: FloatTensor;
  /** [n, H, W, C] in the generator's `imageRange`. */
  readonly images: FloatTensor;
  /** The class of each sample, of a labelled generator. */
  readonly labels?: Int32Array;
}

/** A generator that is ready to be drawn from; the caller disposes it. */
export interface Generator {
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
   * Draws any number of samples, `batch` at a time, in memory that does not grow.
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
  /** Frees the session. */
  dispose(): Promise<void>;
}

/** The most that one call holds in memory: a page's tab and 32-bit WebAssembly (4 GiB) still have room for it. */
const MOST_BYTES = 2 ** 31;

function checkWhole(name: string, value: number, least: number): number {
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw expected('sample', `${name} that is a whole number from ${least}`, String(value));
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
  const imageBytes = sizeOf(imageShape) * bytesPerElement('float32');

  const checkOptions = (options: SampleOptions) => {
    const count = checkWhole('a count', options.count ?? 1, 1);
    const from = checkWhole('a first sample', options.from ?? 0, 0);
    const seed = checkWhole('a seed', options.seed ?? 0, 0);
    const batch = Math.min(count, checkWhole('a batch', options.batch ?? 64, 1));
    const most = Math.floor(MOST_BYTES / Math.max(imageBytes, latentSize * 4));
    if (batch > most) throw expected('sample', `a batch of at most ${most} (2 GiB)`, batch);
    checkWhole('a last sample times the latent size', (from + count) * latentSize, 1);
    const { truncation = 1, label, signal } = options;
    if (!(truncation >= 0 && truncation <= 1)) {
      throw expected('sample', 'a truncation from 0 to 1', String(truncation));
    }
    const labelsOf = assignLabels(names, label, from, count);
    return { count, from, seed, batch, most, truncation, labelsOf, signal };
  };

  async function* drawBatches(options: ReturnType<typeof checkOptions>): AsyncGenerator<Samples, void, void> {
    const { count, from, seed, batch, truncation, labelsOf, signal } = options;
    const giveWay = makeWay();
    for (let done = 0; done < count; done += batch) {
      signal?.throwIfAborted();
      const size = Math.min(batch, count - done);
      const latents = truncateLatents(drawLatents(metadata, seed, from + done, size), truncation);
      const labels = labelsOf(from + done, size);
      const images = await run(latents, labels, signal);
      await giveWay();
      signal?.throwIfAborted();
      yield { from: from + done, latents, images, ...(labels ? { labels } : {}) };
    }
  }

  const sample = async (options: SampleOptions = {}): Promise<Samples> => {
    const checked = checkOptions(options);
    const { count, from, most } = checked;
    if (count > most) {
      throw expected(
        'sample',
        `at most ${most} samples at once (2 GiB)`,
        count,
        'Draw them batch by batch: `stream()`, or `ganx sample --out-dir`.',
      );
    }
    const latents = new Float32Array(count * latentSize);
    const images = new Float32Array(count * sizeOf(imageShape));
    for await (const part of drawBatches(checked)) {
      latents.set(part.latents.data, (part.from - from) * latentSize);
      images.set(part.images.data, (part.from - from) * sizeOf(imageShape));
    }
    const labels = checked.labelsOf(from, count);
    return {
      from,
      latents: plainTensor(latents, [count, latentSize]),
      images: plainTensor(images, [count, ...imageShape]),
      ...(labels ? { labels } : {}),
    };
  };

  return {
    metadata,
    runtime: session.runtime,
    device: session.device,
    version: session.version,
    ...(session.engine === undefined ? {} : { engine: session.engine }),
    refused,
    labelled: names !== undefined,
    sample,
    // Not itself a generator function, so that a bad option throws here and not at the first batch.
    stream: (options = {}) => drawBatches(checkOptions(options)),
    run,
    ...(session.workers ? { workers: session.workers } : {}),
    dispose: () => session.dispose(),
  };
}
