/**
 * What callers ask a generator for, and the same checked: which latents and classes make up each run. It knows neither
 * sessions nor images' values.
 */
import { expected } from '../core/errors.js';
import type { GeneratorMetadata } from '../core/metadata.js';
import { bytesPerElement, type FloatTensor, plainTensor, sizeOf } from '../core/tensor.js';
import { assignLabels } from './labels.js';
import { drawLatents, truncateLatents } from './latents.js';
import { type WalkMethod, walkLatents } from './walk-latents.js';

/** What every way of drawing takes. */
export interface DrawOptions {
  /** 0 to 1, 1 when absent: latents are multiplied by it, for likelier and less varied images. */
  readonly truncation?: number | undefined;
  /** Most samples in one run of the model; 64 when absent. */
  readonly batch?: number | undefined;
  /**
   * The promise is rejected with its reason: at once where the model runs in threads, else before its next run.
   */
  readonly signal?: AbortSignal | undefined;
}

/** Which samples to draw. */
export interface SampleOptions extends DrawOptions {
  /** How many; 1 when absent, with `seeds` their number. */
  readonly count?: number | undefined;
  /** 0 to 2^53 - 1; 0 when absent. */
  readonly seed?: number | undefined;
  /** Number of the first sample; 0 when absent. */
  readonly from?: number | undefined;
  /** Draws sample 0 of each of these seeds, in their order, instead of `count` samples of one. */
  readonly seeds?: readonly number[] | undefined;
  /** Class of every sample by index, or of each; when absent sample i takes class i mod n. For labelled generators. */
  readonly label?: number | readonly number[] | undefined;
}

/** A way from one sample to another. */
export interface InterpolateOptions extends DrawOptions {
  /** The way begins at sample 0 of this seed. */
  readonly from: number;
  /** It ends at sample 0 of this one. */
  readonly to: number;
  /** Images, both ends included; at least 2. */
  readonly steps: number;
  /**
   * `slerp` (the default) goes along the arc where latents are normal, since nearly all of them lie at about the same
   * distance from zero; uniform latents fill a box, whose likely way is straight. `lerp` goes straight in any case.
   */
  readonly method?: WalkMethod | undefined;
  /** Class of all images by index; 0 when absent. For labelled generators. */
  readonly label?: number | undefined;
}

/** What a run takes. */
export interface Piece {
  /** Place of its first sample among all that are drawn. */
  readonly at: number;
  readonly latents: FloatTensor;
  readonly labels: Int32Array | undefined;
}

/** Checked options. */
export interface Plan {
  readonly count: number;
  /** Number of the first sample. */
  readonly from: number;
  readonly batch: number;
  readonly signal: AbortSignal | undefined;
  /** Latents and classes of samples `at` to `at + size - 1` of all. */
  cut(at: number, size: number): Piece;
}

/** The most that one call holds in memory: a page's tab and 32-bit WebAssembly (4 GiB) still have room for it. */
const MOST_BYTES = 2 ** 31;

function checkWhole(name: string, value: number, least: number): number {
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw expected('sample', `${name} that is a whole number from ${least}`, String(value));
}

function checkDraw(metadata: GeneratorMetadata, options: DrawOptions, count: number) {
  const batch = Math.min(count, checkWhole('a batch', options.batch ?? 64, 1));
  const most = mostSamples(metadata);
  if (batch > most) throw expected('sample', `a batch of at most ${most} (2 GiB)`, batch);
  const { truncation = 1, signal } = options;
  if (!(truncation >= 0 && truncation <= 1)) {
    throw expected('sample', 'a truncation from 0 to 1', String(truncation));
  }
  return { batch, truncation, signal };
}

/** How many samples fit into the memory of one call. */
export function mostSamples({ imageShape, latentSize }: GeneratorMetadata): number {
  return Math.floor(MOST_BYTES / (Math.max(sizeOf(imageShape), latentSize) * bytesPerElement('float32')));
}

function checkSeeds(options: SampleOptions): readonly number[] | undefined {
  const { seeds } = options;
  if (seeds === undefined) return undefined;
  if (!Array.isArray(seeds) || seeds.length === 0) throw expected('sample', 'at least one seed', seeds);
  for (const name of ['count', 'seed', 'from'] as const) {
    if (options[name] === undefined) continue;
    throw expected('sample', `no ${name} beside seeds`, options[name], 'Give the one or the other.');
  }
  for (const seed of seeds) checkWhole('a seed', seed, 0);
  return seeds;
}

function joinLatents(parts: readonly FloatTensor[], latentSize: number): FloatTensor {
  const data = new Float32Array(parts.length * latentSize);
  parts.forEach((part, i) => {
    data.set(part.data, i * latentSize);
  });
  return plainTensor(data, [parts.length, latentSize]);
}

/**
 * @param names of the classes that the generator takes, if it does
 * @throws GanError `BAD_ARGUMENT` for an option out of range
 */
export function planSamples(
  metadata: GeneratorMetadata,
  names: readonly string[] | undefined,
  options: SampleOptions,
): Plan {
  const seeds = checkSeeds(options);
  const count = checkWhole('a count', seeds?.length ?? options.count ?? 1, 1);
  const from = checkWhole('a first sample', options.from ?? 0, 0);
  const seed = checkWhole('a seed', options.seed ?? 0, 0);
  const { truncation, ...rest } = checkDraw(metadata, options, count);
  const { latentSize } = metadata;
  checkWhole('a last sample times the latent size', (from + count) * latentSize, 1);
  // Each of several seeds gives its sample 0, whose class is the first.
  const label = seeds && names ? (options.label ?? 0) : options.label;
  const labelsOf = assignLabels(names, label, from, count);
  const draw = (at: number, size: number): FloatTensor => {
    if (!seeds) return drawLatents(metadata, seed, from + at, size);
    const own = seeds.slice(at, at + size).map((one) => drawLatents(metadata, one, 0, 1));
    return joinLatents(own, latentSize);
  };
  return {
    count,
    from,
    ...rest,
    cut: (at, size) => ({
      at,
      latents: truncateLatents(draw(at, size), truncation),
      labels: labelsOf(from + at, size),
    }),
  };
}

/**
 * @param names as in {@link planSamples}
 * @throws GanError `BAD_ARGUMENT` for an option out of range
 */
export function planWalk(
  metadata: GeneratorMetadata,
  names: readonly string[] | undefined,
  options: InterpolateOptions,
): Plan {
  const [from, to] = [options.from, options.to].map((seed) =>
    drawLatents(metadata, checkWhole('a seed', seed, 0), 0, 1),
  ) as [FloatTensor, FloatTensor];
  const count = checkWhole('steps', options.steps, 2);
  const most = mostSamples(metadata);
  if (count > most) throw expected('sample', `at most ${most} steps (2 GiB)`, count);
  const { truncation, ...rest } = checkDraw(metadata, options, count);
  const ends = [from, to].map((end) => truncateLatents(end, truncation)) as [FloatTensor, FloatTensor];
  const { data } = walkLatents(metadata, ...ends, count, options.method);
  const labelsOf = assignLabels(names, names ? (options.label ?? 0) : options.label, 0, count);
  const { latentSize } = metadata;
  return {
    count,
    from: 0,
    ...rest,
    cut: (at, size) => ({
      at,
      latents: plainTensor(data.slice(at * latentSize, (at + size) * latentSize), [size, latentSize]),
      labels: labelsOf(at, size),
    }),
  };
}
