/**
 * Parity: one file on every runtime and device, against a reference, on the same latents at several batch sizes.
 * A device that cannot be used here is a SKIP with its reason, never a PASS. Sessions are handed in; this file knows
 * no runtime, and measures one candidate at a time, since two WebGPU sessions at once can crash a process.
 */
import { expected, messageOf } from '../core/errors.js';
import type { GeneratorMetadata } from '../core/metadata.js';
import type { Probe, Session } from '../core/types.js';
import { createGenerator, drawLatents, type Generator } from '../sample/index.js';
import { compareImages, type Difference, drawReference, nameOf } from './compare-images.js';
import { toleranceFor } from './tolerances.js';

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
  readonly status: 'PASS' | 'FAIL' | 'SKIP';
  /** Why it is not a PASS. */
  readonly reason?: string;
  /** Largest absolute difference over all latents and batches; absent where not every run gave numbers. */
  readonly maxDifference?: number;
  readonly meanDifference?: number;
  /** Batch sizes that were run on all latents. */
  readonly batches: readonly number[];
  /** Latents that were run at each of them. */
  readonly latents: number;
  readonly tolerance: number;
  readonly toleranceWhy: string;
  readonly durationMs: number;
}

/** The outcome of all candidates. */
export interface ParityReport {
  readonly reference: { readonly runtime: string; readonly device: string; readonly version: string };
  readonly model: string;
  readonly latents: number;
  readonly rows: readonly ParityRow[];
  /** No row is a FAIL. A report of nothing but SKIPs is ok too, unless they were required. */
  readonly ok: boolean;
}

/** What {@link measureParity} may be told. */
export interface ParityOptions {
  /** How many latents; 256 when absent. */
  readonly latents?: number;
  /** Latents per run; [1, 5] when absent. What is left over makes a smaller last run. */
  readonly batches?: readonly number[];
  /** Largest differences by `device` or `runtime/device`, instead of the table's. */
  readonly tolerances?: Readonly<Record<string, number>>;
  /** `runtime` or `runtime/device`, for which a SKIP is a FAIL. */
  readonly require?: readonly string[];
}

/** Not seed 0, on which an export is checked. */
const SEED = 1;

/** @throws GanError `BAD_ARGUMENT` for a name that no candidate has */
function checkNames(what: string, names: readonly string[], known: readonly string[]): void {
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) throw expected('parity', what, unknown, `Known: ${known.join(', ')}.`);
}

function checkCount(what: string, value: number): void {
  if (!(Number.isSafeInteger(value) && value > 0))
    throw expected('parity', `${what} as a whole number above 0`, value);
}

/** Opens, runs, compares and closes one candidate. @throws whatever the candidate throws */
async function measure(
  bytes: Uint8Array,
  metadata: GeneratorMetadata,
  candidate: Candidate,
  run: (generator: Generator) => Promise<Difference>,
): Promise<Difference & { version: string }> {
  const session = await candidate.open(bytes);
  try {
    if (session.device !== candidate.device)
      throw expected(nameOf(candidate), 'to run on that device', session.device);
    return { ...(await run(createGenerator(session, metadata))), version: session.version };
  } finally {
    await session.dispose();
  }
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
  const { latents: count = 256, batches = [1, 5], tolerances = {}, require = [] } = options;
  checkCount('latents', count);
  if (batches.length === 0) throw expected('parity', 'at least one batch size', 'none');
  for (const batch of batches) checkCount('a batch', batch);
  const names = candidates.map(nameOf);
  const runtimes = [...new Set(candidates.map(({ runtime }) => runtime))];
  const devices = [...new Set(candidates.map(({ device }) => device))];
  checkNames('a runtime or runtime/device to require', require, [...runtimes, ...names]);
  checkNames('a device or runtime/device with a tolerance', Object.keys(tolerances), [...devices, ...names]);
  const bounds = candidates.map((candidate) => toleranceFor(candidate, tolerances));

  const latents = drawLatents(metadata, SEED, 0, count); // [n, L]
  const images = await drawReference(reference, metadata, latents);
  const rows: ParityRow[] = [];
  for (const [i, candidate] of candidates.entries()) {
    const { runtime, device } = candidate;
    const { value: tolerance, why: toleranceWhy } = bounds[i]!;
    const start = performance.now();
    const finish = (outcome: Pick<ParityRow, 'status'> & Partial<ParityRow>): void => {
      const durationMs = performance.now() - start;
      rows.push({
        runtime,
        device,
        batches: [],
        latents: 0,
        tolerance,
        toleranceWhy,
        durationMs,
        ...outcome,
      });
    };
    try {
      const probe = await candidate.probe();
      if (!probe.ok) {
        const required = require.find((name) => name === runtime || name === nameOf(candidate));
        finish(
          required === undefined
            ? { status: 'SKIP', reason: probe.reason }
            : { status: 'FAIL', reason: `Required by ${required}, but not usable: ${probe.reason}` },
        );
        continue;
      }
      const { max, mean, at, version } = await measure(bytes, metadata, candidate, (generator) =>
        compareImages(generator, latents, batches, images),
      );
      const right = max <= tolerance;
      finish({
        version,
        status: right ? 'PASS' : 'FAIL',
        ...(right ? {} : { reason: `The largest difference is ${max}, above ${tolerance}: ${at}.` }),
        maxDifference: max,
        meanDifference: mean,
        batches,
        latents: count,
      });
    } catch (error) {
      finish({ status: 'FAIL', reason: messageOf(error) });
    }
  }
  return {
    reference: { runtime: reference.runtime, device: reference.device, version: reference.version },
    model: metadata.model,
    latents: count,
    rows,
    ok: rows.every(({ status }) => status !== 'FAIL'),
  };
}
