/**
 * What a ganx generator.onnx says of itself, as string pairs in the file's `metadata_props`
 * (onnx.proto, ModelProto field 14). Every key begins with `ganx.`, so that any viewer shows them together.
 */
import { GanError } from './errors.js';
import { sizeOf } from './tensor.js';
import type { GeneratorShape } from './types.js';

/** The version of the set of keys below; a reader refuses a newer one. */
export const METADATA_VERSION = 1;

/** One latent and what the generator made of it: lets any runtime prove on its own that it computes right. */
export interface GoldenSample {
  /** The latent is sample `index` of `seed`. */
  readonly seed: number;
  readonly index: number;
  /** SHA-256 (hex) of the image as 8-bit NHWC. */
  readonly sha256: string;
  /** A few values of the float image by flat NHWC index. */
  readonly pixels: readonly { readonly at: number; readonly value: number }[];
}

/** Everything that is needed to draw from a generator, and where it came from. */
export interface GeneratorMetadata extends GeneratorShape {
  readonly model: string;
  /** Layout of the file's `images` output. */
  readonly layout: 'nhwc' | 'nchw';
  readonly imagesSeen: number;
  /** The seed of the training run. */
  readonly seed: number;
  /** SHA-256 (hex) of the training data. */
  readonly dataDigest: string;
  /** Absent for a file that is only described, since nobody knows what it should draw. */
  readonly golden?: GoldenSample;
  /** Type of weights and compute; absent: float32. Inputs and outputs are float32 (labels: int32) in any case. */
  readonly dtype?: 'float32' | 'float16';
  /** The file's name for the latents; absent: `latents`. */
  readonly inputName?: string;
  /** The file's name for the images; absent: `images`. */
  readonly outputName?: string;
  /** Extents of one latent in the file, their product is `latentSize`; absent: [latentSize]. */
  readonly latentShape?: readonly number[];
  /** The file's name for the class of each sample, int32 [batch]; absent: `labels`. */
  readonly labelName?: string;
  /** Two computed matrices are multiplied; seen in the graph, not written among the pairs. */
  readonly hasComputedWeights?: boolean;
}

/** The metadata as pairs, in a fixed order; what has its usual value is left out where it may be. */
export function encodeMetadata(metadata: GeneratorMetadata): Record<string, string> {
  return {
    'ganx.format_version': String(METADATA_VERSION),
    'ganx.model': metadata.model,
    'ganx.kind': metadata.kind,
    'ganx.latent_size': String(metadata.latentSize),
    'ganx.latent_distribution': metadata.latentDistribution,
    'ganx.image_shape': JSON.stringify(metadata.imageShape),
    'ganx.image_range': JSON.stringify(metadata.imageRange),
    'ganx.layout': metadata.layout,
    'ganx.labels': JSON.stringify(metadata.labels ?? []),
    'ganx.images_seen': String(metadata.imagesSeen),
    'ganx.seed': String(metadata.seed),
    'ganx.data_digest': metadata.dataDigest,
    ...encodeUnusual(metadata),
    // Always there and always last, so that a file that was cut off among the pairs is not taken for a whole one.
    'ganx.golden': JSON.stringify(metadata.golden ?? null),
  };
}

function encodeUnusual(metadata: GeneratorMetadata): Record<string, string> {
  const { dtype, inputName, outputName, latentShape, latentRange, labelName } = metadata;
  return {
    ...(dtype === undefined || dtype === 'float32' ? {} : { 'ganx.dtype': dtype }),
    ...(inputName === undefined || inputName === 'latents' ? {} : { 'ganx.input': inputName }),
    ...(outputName === undefined || outputName === 'images' ? {} : { 'ganx.output': outputName }),
    ...(latentShape === undefined ? {} : { 'ganx.latent_shape': JSON.stringify(latentShape) }),
    ...(latentRange === undefined ? {} : { 'ganx.latent_range': JSON.stringify(latentRange) }),
    ...(labelName === undefined || labelName === 'labels' ? {} : { 'ganx.label_input': labelName }),
  };
}

/**
 * Reads the pairs back.
 *
 * @returns undefined when the file has no ganx metadata at all
 * @throws GanError `BAD_MODEL_FILE` when a key is missing, unreadable, or of a newer version
 */
export function decodeMetadata(properties: Readonly<Record<string, string>>): GeneratorMetadata | undefined {
  const version = properties['ganx.format_version'];
  if (version === undefined) return undefined;
  if (Number(version) !== METADATA_VERSION) {
    throw new GanError(
      'BAD_MODEL_FILE',
      'metadata',
      `Expected format version ${METADATA_VERSION}, got \`${version}\`. Use a newer ganx to read this file.`,
    );
  }
  const text = (key: string): string => {
    const value = properties[`ganx.${key}`];
    if (value === undefined) {
      throw new GanError(
        'BAD_MODEL_FILE',
        'metadata',
        `Expected the key ganx.${key}, got none. Export the file again.`,
      );
    }
    return value;
  };
  const json = <T>(key: string, valid: (value: T) => boolean): T => {
    try {
      const value = JSON.parse(text(key)) as T;
      if (valid(value)) return value;
    } catch (cause) {
      if (cause instanceof GanError) throw cause;
    }
    throw new GanError('BAD_MODEL_FILE', 'metadata', `Expected a valid ganx.${key}, got \`${text(key)}\`.`);
  };
  const oneOf = <T extends string>(key: string, known: readonly T[]): T => {
    const value = text(key) as T;
    if (known.includes(value)) return value;
    throw new GanError(
      'BAD_MODEL_FILE',
      'metadata',
      `Expected ganx.${key} to be one of ${known.join(', ')}, got \`${value}\`.`,
    );
  };
  const natural = (value: number): boolean => Number.isSafeInteger(value) && value >= 0;
  const extents = (value: readonly number[]): boolean =>
    Array.isArray(value) && value.every((extent) => natural(extent) && extent > 0);
  const range = (value: readonly number[]): boolean =>
    Array.isArray(value) && value.length === 2 && Number(value[0]) < Number(value[1]);
  const has = (key: string): boolean => Object.hasOwn(properties, `ganx.${key}`);
  const labels = json<string[]>('labels', Array.isArray);
  const latentSize = json<number>('latent_size', (value) => natural(value) && value > 0);
  const golden = json<GoldenSample | null>(
    'golden',
    (value) =>
      value === null ||
      (natural(value.seed) && natural(value.index) && Array.isArray(value.pixels) && value.pixels.length > 0),
  );
  const fits = (shape: readonly number[]): boolean => extents(shape) && sizeOf(shape) === latentSize;
  return {
    model: text('model'),
    kind: oneOf('kind', ['images', 'points']),
    latentSize,
    latentDistribution: oneOf('latent_distribution', ['normal', 'uniform']),
    imageShape: json<[number, number, number]>(
      'image_shape',
      (value) => extents(value) && value.length === 3,
    ),
    imageRange: json<[number, number]>('image_range', range),
    layout: oneOf('layout', ['nhwc', 'nchw']),
    ...(labels.length > 0 ? { labels } : {}),
    imagesSeen: json<number>('images_seen', natural),
    seed: json<number>('seed', natural),
    dataDigest: text('data_digest'),
    ...(golden ? { golden } : {}),
    ...(has('dtype') ? { dtype: oneOf('dtype', ['float32', 'float16']) } : {}),
    ...(has('input') ? { inputName: text('input') } : {}),
    ...(has('output') ? { outputName: text('output') } : {}),
    ...(has('latent_shape') ? { latentShape: json<number[]>('latent_shape', fits) } : {}),
    ...(has('latent_range') ? { latentRange: json<[number, number]>('latent_range', range) } : {}),
    ...(has('label_input') ? { labelName: text('label_input') } : {}),
  };
}
