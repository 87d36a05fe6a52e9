/**
 * A generator one can draw from: a Session that is handed in, plus what its file says of it.
 * It knows neither files nor concrete runtimes, and hands out only tensors that the caller may keep.
 */
import { expected, GanError } from '../core/errors.js';
import type { GeneratorMetadata } from '../core/metadata.js';
import { bytesPerElement, type FloatTensor, plainTensor, sizeOf } from '../core/tensor.js';
import type { Session } from '../core/types.js';
import { drawLatents } from './latents.js';
import { checkSession, toNhwc } from './layout.js';

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
  /** Stops between two runs of the model; the promise is then rejected with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** Samples `from` and on of a seed. */
export interface Samples {
  readonly from: number;
  /** [n, latentSize] */
  readonly latents: FloatTensor;
  /** [n, H, W, C] in the generator's `imageRange`. */
  readonly images: FloatTensor;
}

/** A generator that is ready to be drawn from; the caller disposes it. */
export interface Generator {
  readonly metadata: GeneratorMetadata;
  readonly runtime: string;
  readonly device: string;
  /** The version of the runtime's package. */
  readonly version: string;
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
   * @returns [n, H, W, C], whatever the file's layout
   * @throws GanError `BAD_ARGUMENT` for latents of another shape
   */
  run(latents: FloatTensor): Promise<FloatTensor>;
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
 * @throws GanError `BAD_MODEL_FILE` when the session's input or output is not what the metadata says
 */
export function createGenerator(session: Session, metadata: GeneratorMetadata): Generator {
  checkSession(session, metadata);
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
    return { count, from, seed, batch, most, signal: options.signal };
  };

  const run = async (latents: FloatTensor): Promise<FloatTensor> => {
    const [count = 0, size] = latents.shape;
    if (latents.dtype !== 'float32' || latents.shape.length !== 2 || count < 1 || size !== latentSize) {
      const got = `${latents.dtype} [${latents.shape.join(', ')}]`;
      throw expected('sample', `float32 latents [n, ${latentSize}] with n from 1`, got);
    }
    const { images } = await session.run({ latents });
    const data = images?.data;
    if (!(data instanceof Float32Array) || data.length !== count * sizeOf(imageShape)) {
      const got = images ? `${images.dtype} [${images.shape.join(', ')}]` : 'none';
      const what = `float32 images [${count}, ${imageShape.join(', ')}]`;
      throw new GanError('BAD_MODEL_FILE', 'sample', `Expected ${what}, got \`${got}\`. Export it again.`);
    }
    const shape = [count, ...imageShape]; // [n, H, W, C]
    return plainTensor(metadata.layout === 'nchw' ? toNhwc(data, imageShape) : data, shape);
  };

  async function* drawBatches(options: ReturnType<typeof checkOptions>): AsyncGenerator<Samples, void, void> {
    const { count, from, seed, batch, signal } = options;
    for (let done = 0; done < count; done += batch) {
      signal?.throwIfAborted();
      const latents = drawLatents(metadata, seed, from + done, Math.min(batch, count - done));
      const images = await run(latents);
      signal?.throwIfAborted();
      yield { from: from + done, latents, images };
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
    return {
      from,
      latents: plainTensor(latents, [count, latentSize]),
      images: plainTensor(images, [count, ...imageShape]),
    };
  };

  return {
    metadata,
    runtime: session.runtime,
    device: session.device,
    version: session.version,
    sample,
    // Not itself a generator function, so that a bad option throws here and not at the first batch.
    stream: (options = {}) => drawBatches(checkOptions(options)),
    run,
    dispose: () => session.dispose(),
  };
}
