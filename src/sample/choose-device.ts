/**
 * Which device draws: the candidates one after the other, each opened alone and asked for the golden sample of the
 * file, until one gives it. The only place that takes another device, and it says why. It knows no runtime by name.
 */
import { GanError } from '../core/errors.js';
import type { GeneratorMetadata } from '../core/metadata.js';
import type { DeviceCandidate, RefusedDevice, Session } from '../core/types.js';
import { createGenerator, type Generator } from './generator.js';
import { compareGolden, hasFiniteSample } from './golden.js';

/** Where no driver stands between the file and its numbers: a file that they cannot open is broken everywhere. */
const PLAIN_DEVICES = ['cpu', 'wasm'];

/** A device did not open the file; other devices may. */
function mayOpenElsewhere(error: unknown, device: string): error is GanError {
  if (!(error instanceof GanError)) return false;
  if (error.code === 'BAD_MODEL_FILE') return !PLAIN_DEVICES.includes(device);
  return error.code === 'RUNTIME_UNAVAILABLE' || error.code === 'UNSUPPORTED_OP';
}

/** Why a generator's numbers cannot be right; undefined when they are, or when nobody can know. */
async function findFault(generator: Generator): Promise<string | undefined> {
  if (generator.metadata.golden === undefined) {
    return (await hasFiniteSample(generator)) ? undefined : 'It drew values that are no numbers.';
  }
  const { ok, maxDifference, tolerance } = await compareGolden(generator);
  if (ok) return undefined;
  if (!Number.isFinite(maxDifference)) return 'It drew the golden sample with values that are no numbers.';
  const [off, allowed] = [maxDifference.toExponential(1), tolerance.toExponential(1)];
  return `It drew the golden sample wrongly: off by ${off}, allowed are ${allowed}.`;
}

/** What a file says of itself, or, where it does not, what a session of it shows. */
export type MetadataSource = GeneratorMetadata | ((session: Session) => Promise<GeneratorMetadata>);

/** What a device gave: a generator that draws rightly, or why it is not taken and whether its numbers were at fault. */
type Attempt =
  | { readonly generator: Generator }
  | { readonly reason: string; readonly isWrong: boolean; readonly error?: GanError };

async function attempt(
  candidate: DeviceCandidate,
  metadata: MetadataSource,
  refused: readonly RefusedDevice[],
): Promise<Attempt> {
  let session: Session;
  try {
    session = await candidate.open();
  } catch (error) {
    if (!mayOpenElsewhere(error, candidate.device)) throw error;
    return { reason: error.reason, isWrong: false, error };
  }
  let generator: Generator | undefined;
  let isTaken = false;
  try {
    const known = typeof metadata === 'function' ? await metadata(session) : metadata;
    generator = createGenerator(session, known, refused);
    const reason = await findFault(generator);
    isTaken = reason === undefined;
    return reason === undefined ? { generator } : { reason, isWrong: true };
  } catch (error) {
    // Before there is a generator, only a device that cannot run at all is not the file's or the caller's fault.
    const isDevice =
      error instanceof GanError &&
      (error.code === 'RUNTIME_UNAVAILABLE' || (generator !== undefined && error.code !== 'BAD_MODEL_FILE'));
    if (!isDevice) throw error;
    return { reason: error.reason, isWrong: false, error };
  } finally {
    if (!isTaken) await session.dispose();
  }
}

/**
 * Takes the first candidate that opens the file and draws its golden sample rightly (without one: finite values).
 *
 * @param candidates best first; each is opened only when the ones before it were refused
 * @param metadata   or how to get it from a session
 * @returns a generator that states the refused ones with their reasons; call `dispose()` when done
 * @throws GanError `BAD_MODEL_FILE` at once when a CPU cannot open the file or it does not fit its metadata, and when
 *         every device that opened it draws wrongly; `RUNTIME_UNAVAILABLE` with all reasons when none is left
 */
export async function chooseDevice(
  candidates: readonly DeviceCandidate[],
  metadata: MetadataSource,
): Promise<Generator> {
  const refused: RefusedDevice[] = [];
  const failures: Exclude<Attempt, { generator: Generator }>[] = [];
  for (const candidate of candidates) {
    const result = await attempt(candidate, metadata, [...refused]);
    if ('generator' in result) return result.generator;
    refused.push({ runtime: candidate.runtime, device: candidate.device, reason: result.reason });
    failures.push(result);
  }
  const reasons = refused.map(({ runtime, device, reason }) => `${runtime}/${device}: ${reason}`).join(' ');
  if (failures.some(({ isWrong }) => isWrong)) {
    throw new GanError(
      'BAD_MODEL_FILE',
      'generator',
      `Expected a device that draws the file's golden sample, got \`none\`. ${reasons} ` +
        'Copy or download the file again, or name a device to use it as it is.',
    );
  }
  const badFile = failures.findLast(({ error }) => error?.code === 'BAD_MODEL_FILE')?.error;
  if (badFile) throw badFile;
  throw new GanError(
    'RUNTIME_UNAVAILABLE',
    'runtimes',
    `Expected a usable runtime, got \`none\`. ${reasons || 'Name at least one candidate.'}`,
  );
}
