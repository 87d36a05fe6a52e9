/** The one error of this runtime: a file that others may run. */
import { GanError } from '../../src/core/errors.js';

export const NAME = 'ganx-wasm';

/** The error for a file, or a part of it, that this runtime leaves to others. */
export function unsupported(what: string, got: unknown, cause?: unknown): GanError {
  const text = typeof got === 'string' ? got : JSON.stringify(got);
  const message = `Expected ${what}, got \`${text}\`. Take onnxruntime-web.`;
  return new GanError('UNSUPPORTED_OP', NAME, message, cause === undefined ? {} : { cause });
}
