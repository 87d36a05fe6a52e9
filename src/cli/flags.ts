/** Checks of flags that several verbs share. yargs turns `--count abc` into NaN; here it becomes a clear error. */
import { expected } from '../core/errors.js';

/** A coercion for yargs: a whole number in a range. */
export function wholeNumber(flag: string, low: number, high: number): (value: unknown) => number | undefined {
  return (value) => {
    if (value === undefined) return undefined;
    const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : Number.NaN;
    if (Number.isSafeInteger(number) && number >= low && number <= high) return number;
    throw expected(
      `--${flag}`,
      `a whole number from ${low} to ${high}`,
      Array.isArray(value) ? value.join(' ') : value,
    );
  };
}

/** A coercion for yargs: a number in a range, its lower end excluded where it is 0. */
export function realNumber(flag: string, low: number, high: number): (value: unknown) => number | undefined {
  return (value) => {
    if (value === undefined) return undefined;
    const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : Number.NaN;
    if (Number.isFinite(number) && number >= low && number <= high) return number;
    throw expected(
      `--${flag}`,
      `a number from ${low} to ${high}`,
      Array.isArray(value) ? value.join(' ') : value,
    );
  };
}

/** A coercion for yargs: one of the known names. */
export function knownName<T extends string>(
  flag: string,
  known: readonly T[],
): (value: unknown) => T | undefined {
  return (value) => {
    if (value === undefined || known.includes(value as T)) return value as T | undefined;
    throw expected(`--${flag}`, `one of ${known.join(', ')}`, value);
  };
}

/** The largest seed: beyond it, whole numbers are not exact. */
export const MAX_SEED = Number.MAX_SAFE_INTEGER;

/** An AbortSignal for Ctrl-C and SIGTERM; a second Ctrl-C ends the process at once. */
export function abortOnSignal(onFirst: () => void): { signal: AbortSignal; release: () => void } {
  const controller = new AbortController();
  const stop = (): void => {
    if (controller.signal.aborted) process.exit(130);
    onFirst();
    controller.abort();
  };
  process.on('SIGINT', stop).on('SIGTERM', stop);
  return { signal: controller.signal, release: () => void process.off('SIGINT', stop).off('SIGTERM', stop) };
}
