/**
 * From a file to a generator that draws: reads the bytes and the metadata, opens a runtime, hands both to the
 * sampling room. The one place that Node's file system, the runtimes and the sampling room meet.
 */
import { loadRuntime, openAuto } from '../runtimes/index.js';
import { expected, GanError, messageOf } from './core/errors.js';
import type { GeneratorMetadata } from './core/metadata.js';
import type { Session } from './core/types.js';
import { createGenerator, type Generator, readMetadata } from './sample/index.js';

/** How to run a generator. */
export interface LoadOptions {
  /** `onnxruntime-node`, `onnxruntime-web` or `tensorflow`; with `device: 'auto'`, the first that works here. */
  readonly runtime?: string;
  /** One device of the runtime, or `auto` (the default). */
  readonly device?: string;
  /** Threads for one operator; the runtime's own choice when absent. */
  readonly threads?: number;
}

/** Runtimes by the devices that only they have, for callers who name a device alone. */
const RUNTIME_OF_DEVICE: Readonly<Record<string, string>> = {
  cpu: 'onnxruntime-node',
  cuda: 'onnxruntime-node',
  webgpu: 'onnxruntime-node',
  wasm: 'onnxruntime-web',
};

/**
 * Opens ONNX bytes where the options say.
 *
 * @returns the session, and the candidates that `auto` refused before it
 * @throws GanError `BAD_ARGUMENT` for unknown names, `RUNTIME_UNAVAILABLE`, `BAD_MODEL_FILE`
 */
export async function openSession(
  bytes: Uint8Array,
  options: LoadOptions = {},
): Promise<{ session: Session; refused: readonly { runtime: string; device: string; reason: string }[] }> {
  const { device = 'auto', runtime: name = RUNTIME_OF_DEVICE[device], threads } = options;
  const rest = threads === undefined ? {} : { threads };
  if (device === 'auto') {
    if (options.runtime === undefined) return await openAuto(bytes, rest);
    const { devices } = await loadRuntime(options.runtime);
    const candidates = devices.map((candidate) => ({ runtime: options.runtime!, device: candidate }));
    return await openAuto(bytes, { ...rest, candidates });
  }
  if (name === undefined) {
    throw expected('runtimes', `a device of auto, ${Object.keys(RUNTIME_OF_DEVICE).join(', ')}`, device);
  }
  const runtime = await loadRuntime(name);
  if (!runtime.devices.includes(device)) {
    throw expected('runtimes', `a device of ${name}: ${runtime.devices.join(', ')}`, device);
  }
  return { session: await runtime.open(bytes, { ...rest, device }), refused: [] };
}

async function readSource(source: string | URL | Uint8Array): Promise<Uint8Array> {
  if (source instanceof Uint8Array) return source;
  const { readFile } = await import('node:fs/promises');
  try {
    return new Uint8Array(await readFile(source));
  } catch (cause) {
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

/**
 * Loads a generator.onnx.
 *
 * @param source a path, a file URL or the file's bytes
 * @returns a generator; call `dispose()` when done
 * @throws GanError `IO`, `BAD_MODEL_FILE`, `RUNTIME_UNAVAILABLE`, `BAD_ARGUMENT`
 */
export async function loadGenerator(
  source: string | URL | Uint8Array,
  options: LoadOptions = {},
): Promise<Generator> {
  const bytes = await readSource(source);
  const metadata: GeneratorMetadata = readMetadata(bytes);
  const { session } = await openSession(bytes, options);
  return createGenerator(session, metadata);
}
