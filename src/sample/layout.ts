/**
 * The border between a session and the room: do its inputs and its output fit the metadata, and in which order are
 * the axes of its images. Outside exporters images are NHWC; a file may keep ONNX's own NCHW.
 */
import { GanError } from '../core/errors.js';
import type { GeneratorMetadata } from '../core/metadata.js';
import type { DType } from '../core/tensor.js';
import type { Session, ValueInfo } from '../core/types.js';

/** How a generator's session is fed. */
export interface Fitting {
  readonly latents: string;
  readonly images: string;
  /** The input for the classes, where there is one. */
  readonly labels?: string;
  /** Samples in each run, where the file does not leave them free. */
  readonly fixedBatch?: number;
}

/** Whether a declared extent can be `extent`; free ones can be any. */
function admits(declared: number | string | undefined, extent: number): boolean {
  return typeof declared === 'string' || (declared !== undefined && declared < 0) || declared === extent;
}

/** Inputs or outputs for people: `z float32 [1, 512]; c int32 [1]`. */
export function describeValues(values: readonly ValueInfo[]): string {
  return (
    values.map(({ name, dtype, shape }) => `${name} ${dtype} [${shape.join(', ')}]`).join('; ') || 'none'
  );
}

/** Extents of one image in the file. */
function imageExtents({ imageShape, layout }: GeneratorMetadata): number[] {
  const [height, width, channels] = imageShape;
  return layout === 'nchw' ? [channels, height, width] : [height, width, channels];
}

/**
 * Compares a session with the metadata of its file.
 *
 * @throws GanError `BAD_MODEL_FILE` unless it takes only latents [n, …] (and classes, when the metadata has labels)
 *         and gives images in the stated layout
 */
export function checkSession(session: Session, metadata: GeneratorMetadata): Fitting {
  const { inputName = 'latents', outputName = 'images', labelName = 'labels' } = metadata;
  const find = (
    side: string,
    values: readonly ValueInfo[],
    name: string,
    dtype: DType,
    shapes: readonly (readonly number[])[],
  ): ValueInfo => {
    const value = values.find((candidate) => candidate.name === name);
    const fits = (extents: readonly number[]): boolean =>
      value!.shape.length === extents.length + 1 &&
      extents.every((extent, axis) => admits(value!.shape[axis + 1], extent));
    // A file that states no shape at all is judged when it runs.
    if (value?.dtype === dtype && (value.shape.length === 0 || shapes.some(fits))) return value;
    const what = `${side} ${name} ${dtype} [${['n', ...shapes[0]!].join(', ')}]`;
    const remedy = 'The model and its metadata do not belong together: export it again.';
    throw new GanError(
      'BAD_MODEL_FILE',
      'generator',
      `Expected the ${what}, got \`${describeValues(values)}\`. ${remedy}`,
    );
  };
  const { latentShape = [metadata.latentSize], imageShape, kind } = metadata;
  const images = [imageExtents(metadata), ...(kind === 'points' ? [[imageShape[2]]] : [])];
  const used = [
    find('input', session.inputs, inputName, 'float32', [latentShape]),
    find('output', session.outputs, outputName, 'float32', images),
  ];
  const isLabelled = metadata.labels && session.inputs.some(({ name }) => name === labelName);
  if (isLabelled) used.push(find('input', session.inputs, labelName, 'int32', [[]]));
  if (session.inputs.length > (isLabelled ? 2 : 1)) {
    const what = isLabelled
      ? `${inputName} and ${labelName} as the only inputs`
      : 'latents as the only input';
    throw new GanError(
      'BAD_MODEL_FILE',
      'generator',
      `Expected ${what}, got \`${describeValues(session.inputs)}\`. Run it in an ONNX Runtime directly.`,
    );
  }
  const batches = used.map(({ shape }) => shape[0]).filter((extent) => typeof extent === 'number');
  const fixedBatch = batches.find((extent) => extent > 0);
  return {
    latents: inputName,
    images: outputName,
    ...(isLabelled ? { labels: labelName } : {}),
    ...(fixedBatch === undefined ? {} : { fixedBatch }),
  };
}

/** Turns every [rows, columns] into [columns, rows]; one row or column stays as it is. */
function turn(data: Float32Array, rows: number, columns: number): Float32Array {
  if (rows === 1 || columns === 1) return data;
  const out = new Float32Array(data.length);
  for (let start = 0; start < data.length; start += rows * columns) {
    for (let row = 0; row < rows; row++) {
      let from = start + row * columns;
      for (let to = start + row; to < start + rows * columns; to += rows) out[to] = data[from++]!;
    }
  }
  return out;
}

/**
 * Brings images from [n, C, H, W] to [n, H, W, C].
 *
 * @param imageShape [H, W, C]
 */
export function toNhwc(
  data: Float32Array,
  [height, width, channels]: readonly [number, number, number],
): Float32Array {
  return turn(data, channels, height * width);
}

/**
 * Brings images from [n, H, W, C] to [n, C, H, W], the way back of {@link toNhwc}.
 *
 * @param imageShape [H, W, C]
 */
export function toNchw(
  data: Float32Array,
  [height, width, channels]: readonly [number, number, number],
): Float32Array {
  return turn(data, height * width, channels);
}
