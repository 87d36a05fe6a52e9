/**
 * From a file to a generator that draws, in a page: fetches the bytes and runs them with onnxruntime-web.
 * The counterpart of load-generator.ts. Nothing that it imports may need Node, TensorFlow.js or a native module.
 */
import { onnxruntimeWeb } from '../runtimes/onnxruntime-web-page.js';
import { expected, GanError, messageOf } from './core/errors.js';
import type { LoadOptions } from './load-generator.js';
import { createGenerator, type Generator, readMetadata } from './sample/index.js';

const REMEDY = 'Give the address of a file that `ganx export` wrote.';

async function fetchSource(source: string | URL | Uint8Array): Promise<Uint8Array> {
  if (source instanceof Uint8Array) return source;
  const where = String(source);
  let got: string;
  try {
    const response = await fetch(source);
    if (response.ok) return new Uint8Array(await response.arrayBuffer());
    got = `HTTP ${response.status} ${response.statusText}`.trimEnd();
  } catch (cause) {
    const message = `Expected a file that can be fetched, got \`${messageOf(cause)}\`. ${REMEDY}`;
    throw new GanError('IO', where, message, { cause });
  }
  throw new GanError('IO', where, `Expected a file that can be fetched, got \`${got}\`. ${REMEDY}`);
}

/**
 * Loads a generator.onnx.
 *
 * @param source an address, relative to the page if it is a string, or the file's bytes
 * @returns a generator; call `dispose()` when done
 * @throws GanError `IO`, `BAD_MODEL_FILE`, `RUNTIME_UNAVAILABLE`, `BAD_ARGUMENT`
 */
export async function loadGenerator(
  source: string | URL | Uint8Array,
  options: LoadOptions = {},
): Promise<Generator> {
  const { runtime = onnxruntimeWeb.name, device = 'auto', ...rest } = options;
  if (runtime !== onnxruntimeWeb.name) {
    throw expected('runtimes', 'a runtime that pages have', runtime, `Known: ${onnxruntimeWeb.name}.`);
  }
  const bytes = await fetchSource(source);
  const metadata = readMetadata(bytes);
  const chosen = device === 'auto' ? onnxruntimeWeb.devices[0]! : device;
  return createGenerator(await onnxruntimeWeb.open(bytes, { ...rest, device: chosen }), metadata);
}
