/**
 * From a file to a generator that draws: reads the bytes and the metadata, opens a runtime, hands both to the
 * sampling room. The one place that Node's file system, the runtimes and the sampling room meet.
 */
import { listCandidates, loadRuntime, type OpenByName, openHere } from '../runtimes/index.js';
import { expected, GanError, messageOf } from './core/errors.js';
import type { Session } from './core/types.js';
import {
  chooseDevice,
  createGenerator,
  findMetadata,
  type Generator,
  type LatentDescription,
  type MetadataSource,
} from './sample/index.js';

/** How to run a generator. */
export interface LoadOptions {
  /**
   * `onnxruntime-node`, `onnxruntime-web`, `ganx-wasm`, `tensorflow` or `open-inference`; without a device its best
   * that works.
   */
  readonly runtime?: string;
  /**
   * One device of the runtime, which is then taken as it is; or `auto` (the default), the first of all that opens the
   * file and draws its golden sample rightly.
   */
  readonly device?: string;
  /**
   * Threads for one operator; when absent the runtime's own choice, with `workers` the cores divided among them.
   */
  readonly threads?: number;
  /**
   * Threads of Node that each hold the model, so that drawing never blocks this one and as many runs go at once; each
   * takes the model's memory again. Absent: the model runs here, and a native runtime holds the event loop meanwhile.
   */
  readonly workers?: number;
  /** Address of the model on a remote server; `open-inference` only. */
  readonly url?: string;
  /** Cancels loading: the promise is rejected with its reason, and what was opened is closed again. */
  readonly signal?: AbortSignal;
  /** What latents a file takes that another tool exported; stands above what the file says of itself. */
  readonly describe?: LatentDescription;
}

/** Runtimes by the devices that only they have, for callers who name a device alone. */
const RUNTIME_OF_DEVICE: Readonly<Record<string, string>> = {
  cpu: 'onnxruntime-node',
  cuda: 'onnxruntime-node',
  webgpu: 'onnxruntime-node',
  wasm: 'onnxruntime-web',
  coreml: 'onnxruntime-node',
  dml: 'onnxruntime-node',
  remote: 'open-inference',
};

/** How the file is opened: in this thread, or in several of their own. */
function chooseOpening(bytes: Uint8Array, workers: number | undefined): OpenByName {
  if (workers === undefined) return openHere(bytes);
  return async (name, options) => {
    const { openSessions } = await import('./workers/sessions.js');
    return await openSessions(bytes, name, options, workers);
  };
}

/** Opens the one device that was named; there is no fallback. */
async function openNamed(
  open: OpenByName,
  device: string,
  {
    runtime: name = RUNTIME_OF_DEVICE[device],
    ...rest
  }: Omit<LoadOptions, 'device' | 'describe' | 'workers' | 'signal'>,
): Promise<Session> {
  if (name === undefined) {
    throw expected('runtimes', `a device of auto, ${Object.keys(RUNTIME_OF_DEVICE).join(', ')}`, device);
  }
  const runtime = await loadRuntime(name);
  if (!runtime.devices.includes(device)) {
    throw expected('runtimes', `a device of ${name}: ${runtime.devices.join(', ')}`, device);
  }
  return await open(name, { ...rest, device });
}

async function readSource(
  source: string | URL | Uint8Array,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  if (source instanceof Uint8Array) return source;
  const { readFile } = await import('node:fs/promises');
  try {
    return new Uint8Array(await readFile(source, { signal }));
  } catch (cause) {
    signal?.throwIfAborted();
    const remedy = 'Give the path of a file that `ganx export` wrote.';
    throw new GanError(
      'IO',
      String(source),
      `Expected a file that can be read, got \`${messageOf(cause)}\`. ${remedy}`,
      {
        cause,
      },
    );
  }
}

async function openAny(
  open: OpenByName,
  { device = 'auto', ...rest }: Omit<LoadOptions, 'describe' | 'workers' | 'signal'>,
  metadata: MetadataSource,
): Promise<Generator> {
  if (device === 'auto') return await chooseDevice(await listCandidates(open, rest), metadata);
  const session = await openNamed(open, device, rest);
  try {
    return createGenerator(session, typeof metadata === 'function' ? await metadata(session) : metadata);
  } catch (error) {
    await session.dispose();
    throw error;
  }
}

/**
 * Opens a generator from its bytes.
 *
 * @param path what the file is called where an error suggests a command line
 * @throws GanError as {@link loadGenerator}
 */
export async function openGenerator(
  bytes: Uint8Array,
  options: LoadOptions = {},
  path?: string,
): Promise<Generator> {
  const { describe, workers, signal, ...rest } = options;
  signal?.throwIfAborted();
  const metadata = findMetadata(bytes, describe, path);
  const generator = await openAny(chooseOpening(bytes, workers), rest, metadata);
  if (!signal?.aborted) return generator;
  await generator.dispose();
  throw signal.reason;
}

/**
 * Loads a generator.onnx.
 *
 * @param source a path, a file URL or the file's bytes
 * @returns a generator; call `dispose()` when done. With `auto`, `refused` says why it runs nowhere better
 * @throws GanError `IO`, `BAD_MODEL_FILE`, `RUNTIME_UNAVAILABLE`, `BAD_ARGUMENT`
 */
export async function loadGenerator(
  source: string | URL | Uint8Array,
  options: LoadOptions = {},
): Promise<Generator> {
  const path = source instanceof Uint8Array ? undefined : String(source);
  return await openGenerator(await readSource(source, options.signal), options, path);
}
