/**
 * From a file to a generator that draws, in a page: fetches the bytes and runs them with a page's runtimes.
 * The counterpart of load-generator.ts. Nothing that it imports may need Node, TensorFlow.js or a native module.
 */
import { expected, GanError, messageOf } from './core/errors.js';
import type { LoadOptions } from './load-generator.js';
import { listPageCandidates, openOnDevice, pageDevices, pageRuntimes } from './page-candidates.browser.js';
import { chooseDevice, createGenerator, findMetadata, type Generator } from './sample/index.js';

export { startRuntime } from './page-candidates.browser.js';

/** How to run a generator in a page. */
export interface PageLoadOptions extends Omit<LoadOptions, 'url' | 'workers'> {
  /** Address of the folder where ONNX Runtime's .mjs and .wasm files lie; absent: where the bundler put them. */
  readonly assets?: string;
}

const REMEDY = 'Give the address of a file that `ganx export` wrote.';

async function fetchSource(
  source: string | URL | Uint8Array,
  signal: AbortSignal | null,
): Promise<Uint8Array> {
  if (source instanceof Uint8Array) return source;
  const where = String(source);
  let got: string;
  try {
    const response = await fetch(source, { signal });
    if (response.ok) return new Uint8Array(await response.arrayBuffer());
    got = `HTTP ${response.status} ${response.statusText}`.trimEnd();
  } catch (cause) {
    signal?.throwIfAborted();
    const message = `Expected a file that can be fetched, got \`${messageOf(cause)}\`. ${REMEDY}`;
    throw new GanError('IO', where, message, { cause });
  }
  throw new GanError('IO', where, `Expected a file that can be fetched, got \`${got}\`. ${REMEDY}`);
}

/**
 * Loads a generator.onnx.
 *
 * @param source an address, relative to the page if it is a string, or the file's bytes
 * @returns a generator; call `dispose()` when done. With `auto`, `refused` says why it runs nowhere better
 * @throws GanError `IO`, `BAD_MODEL_FILE`, `RUNTIME_UNAVAILABLE`, `BAD_ARGUMENT`
 */
export async function loadGenerator(
  source: string | URL | Uint8Array,
  options: PageLoadOptions = {},
): Promise<Generator> {
  const { signal, ...rest } = options;
  signal?.throwIfAborted();
  const generator = await openAny(await fetchSource(source, signal ?? null), rest);
  if (!signal?.aborted) return generator;
  await generator.dispose();
  throw signal.reason;
}

/** Opens the first device that draws rightly, or the one that was named. */
async function openAny(bytes: Uint8Array, options: Omit<PageLoadOptions, 'signal'>): Promise<Generator> {
  const { runtime: name, device = 'auto', describe, ...rest } = options;
  if (name !== undefined && !Object.hasOwn(pageRuntimes, name)) {
    const known = Object.keys(pageRuntimes).join(', ');
    throw expected('runtimes', 'a runtime that pages have', name, `Known: ${known}.`);
  }
  if (device !== 'auto' && !pageDevices.includes(device)) {
    throw expected('runtimes', 'a device that pages have', device, `Known: auto, ${pageDevices.join(', ')}.`);
  }
  const metadata = findMetadata(bytes, describe);
  if (device === 'auto') {
    return await chooseDevice(listPageCandidates(bytes, name, rest), metadata);
  }
  const { session, refused } = await openOnDevice(bytes, device, name, rest);
  try {
    const known = typeof metadata === 'function' ? await metadata(session) : metadata;
    return createGenerator(session, known, refused);
  } catch (error) {
    await session.dispose();
    throw error;
  }
}
