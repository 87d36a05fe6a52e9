/**
 * Parity: one file on every runtime and device, against a reference, on the same latents at several batch sizes.
 * A device that cannot be used here is a SKIP with its reason, never a PASS. Sessions are handed in; this file knows
 * no runtime, and measures one candidate at a time, since two WebGPU sessions at once can crash a process.
 */
import { expected, GanError, messageOf } from '../core/errors.js';
import type { GeneratorMetadata } from '../core/metadata.js';
import type { Probe, Session } from '../core/types.js';
import { createGenerator, drawLatents } from '../sample/index.js';
import {
  type BatchDifference,
  compareImages,
  type Difference,
  drawReference,
  type NotFinite,
  nameOf,
  type Place,
} from './compare-images.js';
import { type Tolerance, toleranceFor } from './tolerances.js';

/** One device of one runtime, ready to be tried. */
export interface Candidate {
  readonly runtime: string;
  readonly device: string;
  probe(): Promise<Probe>;
  open(bytes: Uint8Array): Promise<Session>;
}

/** What became of one candidate. */
export interface ParityRow {
  readonly runtime: string;
  readonly device: string;
  /** Version of the runtime's package; absent where it did not open. */
  readonly version?: string;
  /** What within the package ran, where there is a choice. */
  readonly engine?: string;
  readonly status: 'PASS' | 'FAIL' | 'SKIP';
  /** Why it is not a PASS. */
  readonly reason?: string;
  /** The device cannot be used here: a SKIP, or a FAIL if it was required. */
  readonly unavailable?: true;
  /** Largest absolute difference over all latents and batches; absent where not every run gave numbers. */
  readonly maxDifference?: number;
  readonly meanDifference?: number;
  /** The same of the images at 8 bits, in levels. */
  readonly maxLevels?: number;
  readonly meanLevels?: number;
  /** Batch sizes that were run on all latents. */
  readonly batches: readonly number[];
  readonly byBatch?: readonly BatchDifference[];
  /** Where the largest difference is, or the first value that is not finite. */
  readonly worst?: Place;
  /** Latents that were run at each of the batch sizes. */
  readonly latents: number;
  /** Bound on `maxDifference`, or on `maxLevels` where `unit` is `level`. */
  readonly tolerance: number;
  /** Bound on the mean in the same unit; none when absent. */
  readonly meanTolerance?: number;
  readonly unit: Tolerance['unit'];
  readonly toleranceWhy: string;
  readonly durationMs: number;
}

/** What a candidate adds to its names and bounds. */
type Outcome = Pick<ParityRow, 'status'> & Partial<ParityRow>;

/** The outcome of all candidates for one file. */
export interface ParityReport {
  readonly reference: { readonly runtime: string; readonly device: string; readonly version: string };
  readonly model: string;
  /** [H, W, C] */
  readonly imageShape: readonly [number, number, number];
  /** Type of the file's weights and compute. */
  readonly dtype: 'float32' | 'float16';
  readonly latents: number;
  readonly rows: readonly ParityRow[];
  /** No row is a FAIL. A report of nothing but SKIPs is ok too, unless they were required. */
  readonly ok: boolean;
}

/** What {@link measureParity} may be told. */
export interface ParityOptions {
  /** How many latents; 256 when absent. */
  readonly latents?: number;
  /** Latents per run, at most `latents`; 1 and 5 when absent. What is left over makes a smaller last run. */
  readonly batches?: readonly number[];
  /** Largest differences by `device` or `runtime/device`, instead of the table's. */
  readonly tolerances?: Readonly<Record<string, number>>;
  /** `runtime` or `runtime/device`, for which a SKIP is a FAIL. */
  readonly require?: readonly string[];
  /** Called before each candidate and while it runs, with the images that are drawn or skipped so far. */
  readonly onProgress?: (images: number, candidate: Candidate) => void;
}

/** Whose latents are drawn: not seed 0, on which an export is checked. */
export const PARITY_SEED = 1;

/** @throws GanError `BAD_ARGUMENT` for a name that no candidate has */
function checkNames(what: string, names: readonly string[], known: readonly string[]): void {
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) throw expected('parity', what, unknown, `Known: ${known.join(', ')}.`);
}

function checkCount(what: string, value: number): void {
  if (!(Number.isSafeInteger(value) && value > 0))
    throw expected('parity', `${what} as a whole number above 0`, value);
}

/** Whether a device said, when it opened or ran a file, that it has not all of its operators or no half precision. */
function lacksWhatItTakes(error: unknown, dtype: string): boolean {
  if (!(error instanceof GanError)) return false;
  const { code, message } = error;
  if (code === 'UNSUPPORTED_OP') return true;
  return dtype === 'float16' && code === 'RUNTIME_UNAVAILABLE' && message.includes('shader-f16');
}

/** A device that cannot be used: a SKIP, unless it is required. */
function passOver(candidate: Candidate, reason: string, require: readonly string[]): Outcome {
  const required = require.find((name) => name === candidate.runtime || name === nameOf(candidate));
  if (required === undefined) return { status: 'SKIP', unavailable: true, reason };
  const message = `Required by ${required}, but not usable: ${reason}`;
  return { status: 'FAIL', unavailable: true, reason: message };
}

/** What a row says of a comparison on `latents` latents. */
function judge(found: Difference | NotFinite, { unit, value, mean }: Tolerance, latents: number): Outcome {
  if ('notFinite' in found) {
    const { latent, batch } = found.worst;
    const reason = `Expected finite values, got \`${found.notFinite}\` in latent ${latent} at batch ${batch}.`;
    return { status: 'FAIL', reason, worst: found.worst };
  }
  const { max, maxLevels, meanLevels, byBatch, worst } = found;
  const [largest, average] = unit === 'level' ? [maxLevels, meanLevels] : [max, found.mean];
  const what = unit === 'level' ? ' in levels of 8 bits' : '';
  const reasons: string[] = [];
  if (!(largest <= value)) {
    const place = `value ${worst?.value} of latent ${worst?.latent} at batch ${worst?.batch}`;
    reasons.push(`The largest difference${what} is ${largest}, above ${value}: ${place}.`);
  }
  if (mean !== undefined && !(average <= mean))
    reasons.push(`The mean difference${what} is ${average}, above ${mean}.`);
  return {
    status: reasons.length === 0 ? 'PASS' : 'FAIL',
    ...(reasons.length === 0 ? {} : { reason: reasons.join(' ') }),
    maxDifference: max,
    meanDifference: found.mean,
    maxLevels,
    meanLevels,
    latents,
    batches: byBatch.map(({ batch }) => batch),
    byBatch,
    ...(worst ? { worst } : {}),
  };
}

/**
 * Runs a generator's file on every candidate and compares with the reference.
 *
 * @param bytes     the file; `metadata` is what it says of itself
 * @param reference best the live network; stays open, the caller disposes it
 * @throws GanError `BAD_ARGUMENT` for an option out of range or an unknown name in `require` or `tolerances`;
 *         `DIVERGED` when the reference itself gives no numbers
 */
export async function measureParity(
  bytes: Uint8Array,
  metadata: GeneratorMetadata,
  reference: Session,
  candidates: readonly Candidate[],
  options: ParityOptions = {},
): Promise<ParityReport> {
  const { latents: count = 256, tolerances = {}, require = [], onProgress } = options;
  const batches = options.batches ?? [1, 5].filter((batch) => batch <= count);
  const { model, imageShape, dtype = 'float32' } = metadata;
  checkCount('latents', count);
  if (batches.length === 0) throw expected('parity', 'at least one batch size', 'none');
  for (const batch of batches) {
    checkCount('a batch', batch);
    if (batch > count) throw expected('parity', `batches of at most the ${count} latents`, batch);
  }
  const names = candidates.map(nameOf);
  const runtimes = [...new Set(candidates.map(({ runtime }) => runtime))];
  const devices = [...new Set(candidates.map(({ device }) => device))];
  checkNames('a runtime or runtime/device to require', require, [...runtimes, ...names]);
  checkNames('a device or runtime/device with a tolerance', Object.keys(tolerances), [...devices, ...names]);
  const bare = candidates.map((candidate) => toleranceFor(candidate, dtype, tolerances));

  const latents = drawLatents(metadata, PARITY_SEED, 0, count); // [n, L]
  const images = await drawReference(reference, metadata, latents);
  // The table's bounds are for values of about 1; an output that ends linear may hold larger ones.
  const bounds = bare.map((bound) =>
    bound.unit === 'value' ? { ...bound, value: bound.value * images.scale } : bound,
  );

  /** What is to be said of one candidate beside its names and bounds. @throws whatever the candidate throws */
  const measure = async (
    candidate: Candidate,
    bound: Tolerance,
    onRun: (images: number) => void,
  ): Promise<Outcome> => {
    const probe = await candidate.probe();
    if (!probe.ok) return passOver(candidate, probe.reason, require);
    const session = await candidate.open(bytes);
    const { version, engine } = session;
    try {
      if (session.device !== candidate.device)
        throw expected(nameOf(candidate), 'to run on that device', session.device);
      const generator = createGenerator(session, metadata);
      const found = await compareImages(generator, latents, batches, images, onRun);
      return { version, ...(engine ? { engine } : {}), ...judge(found, bound, count) };
    } finally {
      await session.dispose();
    }
  };

  const rows: ParityRow[] = [];
  const imagesEach = count * batches.length;
  for (const [i, candidate] of candidates.entries()) {
    const { value: tolerance, mean, unit, why: toleranceWhy } = bounds[i]!;
    const start = performance.now();
    let drawn = i * imagesEach;
    onProgress?.(drawn, candidate);
    const outcome = await measure(candidate, bounds[i]!, (more) => {
      drawn += more;
      onProgress?.(drawn, candidate);
    }).catch((error: unknown): Outcome => {
      const reason = messageOf(error);
      return lacksWhatItTakes(error, dtype)
        ? passOver(candidate, reason, require)
        : { status: 'FAIL', reason };
    });
    rows.push({
      runtime: candidate.runtime,
      device: candidate.device,
      batches: [],
      latents: 0,
      tolerance,
      ...(mean === undefined ? {} : { meanTolerance: mean }),
      unit,
      toleranceWhy,
      durationMs: performance.now() - start,
      ...outcome,
    });
  }
  return {
    reference: { runtime: reference.runtime, device: reference.device, version: reference.version },
    model,
    imageShape,
    dtype,
    latents: count,
    rows,
    ok: rows.every(({ status }) => status !== 'FAIL'),
  };
}
