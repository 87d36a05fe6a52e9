/**
 * Images through a feature network that is handed in as a Session: [n, H, W, C] pixels to [n, D] features. How the
 * network takes them (NHWC or NCHW, a fixed batch or a free one) is told by its own shapes.
 */
import { GanError } from '../core/errors.js';
import { type FloatTensor, plainTensor, sizeOf } from '../core/tensor.js';
import type { Session, ValueInfo } from '../core/types.js';
import type { Rows } from './rows.js';
import type { WorkOptions } from './run-jobs.js';

/** Images of one run where the network's batch is free. */
const BATCH = 250;

/** How a network is fed. */
interface Fitting {
  readonly input: string;
  readonly output: string;
  readonly layout: 'nhwc' | 'nchw';
  /** Images of a run, where the file fixes it. */
  readonly fixedBatch: number | undefined;
}

function show(values: readonly ValueInfo[]): string {
  return (
    values.map(({ name, dtype, shape }) => `${name} ${dtype} [${shape.join(', ')}]`).join('; ') || 'none'
  );
}

function refuse(what: string, got: string): GanError {
  const message = `Expected a feature network with ${what}, got \`${got}\`. See \`ganx measure --help\`.`;
  return new GanError('BAD_MODEL_FILE', 'features', message);
}

/** Finds out how a network takes images of a shape. @throws GanError `BAD_MODEL_FILE` when it does not */
function findFitting({ inputs, outputs }: Session, [height, width, channels]: readonly number[]): Fitting {
  const [input] = inputs;
  const takes = (extents: readonly unknown[]): boolean =>
    [height, width, channels].every(
      (extent, i) => typeof extents[i] !== 'number' || extents[i] === -1 || extents[i] === extent,
    );
  const [batch, a, b, c] = input?.shape ?? [];
  const layout = takes([a, b, c]) && typeof c === 'number' ? 'nhwc' : takes([b, c, a]) ? 'nchw' : undefined;
  if (inputs.length !== 1 || input?.shape.length !== 4 || input.dtype !== 'float32' || !layout) {
    const sizes = `${height}x${width} with ${channels} channels`;
    throw refuse(`one float32 input for images of ${sizes}, NHWC or NCHW`, show(inputs));
  }
  const output =
    outputs.find(({ name }) => name === 'features') ?? (outputs.length === 1 ? outputs[0] : undefined);
  if (output?.dtype !== 'float32')
    throw refuse('one float32 output [B, D], or one named `features`', show(outputs));
  const fixedBatch = typeof batch === 'number' && batch > 0 ? batch : undefined;
  return { input: input.name, output: output.name, layout, fixedBatch };
}

/** Pixels of some images for one run, clipped to [0, 1]; what a fixed batch has too many stays black. */
function fill(
  pixels: Float32Array,
  batch: number,
  [height, width, channels]: readonly number[],
  layout: string,
) {
  const size = height! * width! * channels!;
  const area = height! * width!;
  const out = new Float32Array(batch * size);
  for (let i = 0; i < pixels.length; i++) {
    const value = Math.min(1, Math.max(0, pixels[i]!));
    const image = Math.floor(i / size);
    const at = i % size;
    out[layout === 'nhwc' ? i : image * size + (at % channels!) * area + Math.floor(at / channels!)] = value;
  }
  return out;
}

/**
 * Features of images.
 *
 * @param images pixels [n, H, W, C] from black 0 to white 1; what lies beyond is clipped
 * @returns float32 rows, one an image
 * @throws GanError `BAD_MODEL_FILE` for a network that does not take them; the signal's reason when aborted
 */
export async function extractFeatures(
  session: Session,
  images: FloatTensor,
  { signal, onProgress }: WorkOptions = {},
): Promise<Rows> {
  const [count = 0, ...shape] = images.shape;
  const { input, output, layout, fixedBatch } = findFitting(session, shape);
  const size = sizeOf(shape);
  const [height, width, channels] = shape;
  const extents = layout === 'nhwc' ? shape : [channels!, height!, width!];
  let rows = new Float32Array(0);
  let featureSize = 0;
  for (let done = 0; done < count; done += fixedBatch ?? BATCH) {
    signal?.throwIfAborted();
    const used = Math.min(fixedBatch ?? BATCH, count - done);
    const batch = fixedBatch ?? used;
    const pixels = images.data.subarray(done * size, (done + used) * size);
    const results = await session.run({
      [input]: plainTensor(fill(pixels, batch, shape, layout), [batch, ...extents]),
    });
    const found = results[output];
    if (!(found?.data instanceof Float32Array) || found.shape[0] !== batch) {
      throw refuse(`an output [${batch}, D]`, found ? `${found.dtype} [${found.shape.join(', ')}]` : 'none');
    }
    if (done === 0) {
      featureSize = found.data.length / batch;
      rows = new Float32Array(count * featureSize);
    }
    rows.set(found.data.subarray(0, used * featureSize), done * featureSize);
    onProgress?.(done + used, count);
  }
  if (!rows.every(Number.isFinite)) throw refuse('finite features', 'NaN');
  return { data: rows, count, width: featureSize, scale: 1 };
}
