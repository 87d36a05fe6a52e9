/**
 * The refusal of data that is there but cannot be used, in the grammar of GanError.
 */
import { GanError } from '../core/errors.js';

/** A `BAD_DATA` error: `[data] Expected <what>, got \`<got>\`. <remedy>`. */
export function refuseData(what: string, got: string, remedy: string, cause?: unknown): GanError {
  return new GanError('BAD_DATA', 'data', `Expected ${what}, got \`${got}\`. ${remedy}`, { cause });
}
