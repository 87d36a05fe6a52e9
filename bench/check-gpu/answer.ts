/**
 * The answer of a job as text. JSON has no word for NaN and the infinities and would make them null, which compares as
 * 0: a network that diverged would look as if it agreed.
 */
import { GanError, messageOf } from '../../src/core/errors.js';
import type { Ending } from './jobs.js';

const MARK = 'not finite';

/** An ending as JSON, whatever its numbers are. */
export function encodeEnding(ending: Ending<unknown>): string {
  return JSON.stringify(ending, (_, value: unknown) =>
    typeof value === 'number' && !Number.isFinite(value) ? { [MARK]: String(value) } : value,
  );
}

/** Reads {@link encodeEnding}; text that breaks off is a failure too. */
export function decodeEnding<T>(text: string): Ending<T> {
  try {
    return JSON.parse(text, (_, value: unknown) =>
      typeof value === 'object' && value !== null && MARK in value ? Number(value[MARK]) : value,
    ) as Ending<T>;
  } catch (error) {
    return { failure: `Its answer broke off: ${messageOf(error)}` };
  }
}

/** How a job ends that threw. */
export function endWithError(error: unknown): Ending<never> {
  return { failure: messageOf(error), ...(error instanceof GanError ? { code: error.code } : {}) };
}
