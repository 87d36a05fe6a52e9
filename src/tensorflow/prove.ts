/**
 * Proves that the native TensorFlow works, by one matrix product in a process of its own: a library for another
 * processor may take its process with it, and one that failed to load cannot be loaded again in the same process.
 */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { GanError } from '../core/errors.js';
import type { NativeTensorflow } from './load.js';
import { findReason } from './run-program.js';

/** The library has up to 1.5 GB, which a cold disk gives slowly. */
const TIMEOUT_MS = 300_000;
const CHILD = fileURLToPath(new URL('./prove-in-child.js', import.meta.url));
/** The square of [[1, 2], [3, 4]]. */
const PRODUCT = '7,10,15,22';

type Answer =
  | (NativeTensorflow & { readonly product: readonly number[] })
  | { readonly message: string; readonly known: boolean };

function refuse(reason: string): GanError {
  return new GanError(
    'RUNTIME_UNAVAILABLE',
    'tensorflow',
    `Expected the native TensorFlow to multiply two matrices, got \`${reason}\`. Run \`ganx setup tensorflow\`.`,
  );
}

/** An error of ganx as its process wrote it: `[where] text`. */
function fromText(text: string): GanError {
  return new GanError('RUNTIME_UNAVAILABLE', 'tensorflow', text.replace(/^\[[^\]]*\] /, ''));
}

/**
 * Loads the native TensorFlow and computes with it, in another process.
 *
 * @param home the private folder to load from
 * @throws GanError `RUNTIME_UNAVAILABLE` that says what went wrong
 */
export async function proveTensorflow(home: string, signal?: AbortSignal): Promise<NativeTensorflow> {
  const child = fork(CHILD, [home], {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    timeout: TIMEOUT_MS,
    killSignal: 'SIGKILL',
    ...(signal ? { signal } : {}),
  });
  let answer: Answer | undefined;
  let stderr = '';
  child.on('message', (message: Answer) => {
    answer = message;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const ended = await new Promise<number | NodeJS.Signals | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, killedBy) => resolve(killedBy ?? code));
  });
  if (answer === undefined) throw refuse(`its process ended with ${ended}: ${findReason(stderr)}`);
  if ('message' in answer) throw answer.known ? fromText(answer.message) : refuse(answer.message);
  const { product, ...native } = answer;
  if (String(product) !== PRODUCT) throw refuse(`the product ${product} instead of ${PRODUCT}`);
  return native;
}
