/**
 * One run of a generator's session: latents and classes in, NHWC images out, whatever names, extra axes, layout and
 * batch the file has. It knows neither seeds nor options.
 */
import { expected, GanError } from '../core/errors.js';
import type { GeneratorMetadata } from '../core/metadata.js';
import { type FloatTensor, plainTensor, sizeOf } from '../core/tensor.js';
import type { Session } from '../core/types.js';
import { type Fitting, toNhwc } from './layout.js';
import { chooseRows } from './steady-rows.js';

/** Latents [n, latentSize] and, for a labelled generator, n classes; images [n, H, W, C]. */
export type RunGenerator = (
  latents: FloatTensor,
  labels?: Int32Array,
  signal?: AbortSignal,
) => Promise<FloatTensor>;

/** Refuses classes that are not what the generator takes. */
function checkLabels(
  labels: Int32Array | undefined,
  names: readonly string[] | undefined,
  count: number,
): void {
  if (names === undefined) {
    if (labels === undefined) return;
    throw expected('sample', 'no classes for a generator without them', `${labels.length}`);
  }
  if (labels === undefined) throw expected('sample', `the class of each of ${count} samples`, 'none');
  if (labels.length !== count) throw expected('sample', `${count} classes, one a sample`, labels.length);
  const bad = labels.find((label) => label < 0 || label >= names.length);
  if (bad !== undefined) {
    throw expected('sample', `classes from 0 to ${names.length - 1}`, bad, `Known: ${names.join(', ')}.`);
  }
}

/** Takes `count` elements from `start`; those beyond the end are zeros. */
function cut<A extends Float32Array | Int32Array>(data: A, start: number, count: number): A {
  if (start === 0 && count === data.length) return data;
  const part = data.slice(start, start + count) as A;
  if (part.length === count) return part;
  const whole = (part instanceof Float32Array ? new Float32Array(count) : new Int32Array(count)) as A;
  whole.set(part);
  return whole;
}

/** Joins a session, what its file says, and the way it is fed. */
export function makeRun(session: Session, metadata: GeneratorMetadata, fitting: Fitting): RunGenerator {
  const { latentSize, latentShape = [latentSize], imageShape } = metadata;
  const imageSize = sizeOf(imageShape);
  const fixedRows = fitting.fixedBatch ?? chooseRows(session, metadata);

  const runOnce = async (
    latents: Float32Array,
    labels: Int32Array | undefined,
    signal: AbortSignal | undefined,
  ): Promise<Float32Array> => {
    const count = latents.length / latentSize;
    const feeds = {
      [fitting.latents]: plainTensor(latents, [count, ...latentShape]),
      ...(fitting.labels && labels ? { [fitting.labels]: plainTensor(labels, [count]) } : {}),
    };
    const results = await session.run(feeds, {}, signal);
    signal?.throwIfAborted();
    const images = results[fitting.images];
    const data = images?.data;
    if (data instanceof Float32Array && data.length === count * imageSize) return data;
    const got = images ? `${images.dtype} [${images.shape.join(', ')}]` : 'none';
    const what = `float32 images [${count}, ${imageShape.join(', ')}]`;
    throw new GanError('BAD_MODEL_FILE', 'sample', `Expected ${what}, got \`${got}\`. Export it again.`);
  };

  /** With a fixed number of samples in each run; the last run is filled up and its surplus dropped. */
  const runInPieces = async (
    latents: Float32Array,
    labels: Int32Array | undefined,
    batch: number,
    signal: AbortSignal | undefined,
  ) => {
    const count = latents.length / latentSize;
    const images = new Float32Array(count * imageSize);
    for (let done = 0; done < count; done += batch) {
      const piece = await runOnce(
        cut(latents, done * latentSize, batch * latentSize),
        labels && cut(labels, done, batch),
        signal,
      );
      images.set(piece.subarray(0, (count - done) * imageSize), done * imageSize);
    }
    return images;
  };

  return async (latents, labels, signal) => {
    signal?.throwIfAborted();
    const [count = 0, size] = latents.shape;
    if (latents.dtype !== 'float32' || latents.shape.length !== 2 || count < 1 || size !== latentSize) {
      const got = `${latents.dtype} [${latents.shape.join(', ')}]`;
      throw expected('sample', `float32 latents [n, ${latentSize}] with n from 1`, got);
    }
    checkLabels(labels, fitting.labels === undefined ? undefined : metadata.labels, count);
    const batch = fixedRows ?? count;
    const data =
      batch === count
        ? await runOnce(latents.data, labels, signal)
        : await runInPieces(latents.data, labels, batch, signal);
    const nhwc = metadata.layout === 'nchw' ? toNhwc(data, imageShape) : data;
    return plainTensor(nhwc, [count, ...imageShape]); // [n, H, W, C]
  };
}
