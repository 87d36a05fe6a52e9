/**
 * What a flag is: how it is shown, and how its text is read. yargs only splits the command line; every value reaches
 * us as the text that was typed, so that `abc`, `-1` and `1.5` are refused by name instead of turning into NaN.
 */
import { expected } from '../core/errors.js';

/** A flag with a value, or (without `read`) a switch. */
export interface Flag<T = unknown> {
  readonly describe: string;
  readonly alias?: string;
  /** What holds when the flag is absent, in words for the help. */
  readonly initially?: string | number;
  /** @throws GanError `BAD_ARGUMENT` for a text that is not such a value */
  readonly read?: (text: string, flag: string) => T;
}

/** Flags by name in camel case: `latentSize` is typed `--latent-size`. */
export type Flags = Readonly<Record<string, Flag>>;

/** The values of the flags that were given. */
export type FlagValues<F extends Flags> = {
  readonly [K in keyof F]?: F[K] extends { read: (text: string, flag: string) => infer T } ? T : boolean;
};

/** Reads a whole number in a range. */
export function wholeNumber(low: number, high: number): (text: string, flag: string) => number {
  return (text, flag) => {
    const number = text.trim() === '' ? Number.NaN : Number(text);
    if (Number.isSafeInteger(number) && number >= low && number <= high) return number;
    throw expected(flag, `a whole number from ${low} to ${high}`, text);
  };
}

/** Reads a number in a range, both ends included. */
export function realNumber(low: number, high: number): (text: string, flag: string) => number {
  return (text, flag) => {
    const number = text.trim() === '' ? Number.NaN : Number(text);
    if (number >= low && number <= high) return number;
    throw expected(flag, `a number from ${low} to ${high}`, text);
  };
}

/** Reads one of the known names. */
export function knownName<T extends string>(known: readonly T[]): (text: string, flag: string) => T {
  return (text, flag) => {
    const name = known.find((one) => one === text);
    if (name !== undefined) return name;
    throw expected(flag, `one of ${known.join(', ')}`, text);
  };
}

/** Reads any text but an empty one. */
export function anyText(text: string, flag: string): string {
  if (text !== '') return text;
  throw expected(flag, 'a value', text);
}

/** The largest seed: beyond it, whole numbers are not exact. */
export const MAX_SEED = Number.MAX_SAFE_INTEGER;

/** `latentSize` -> `latent-size`. */
export function toKebabCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
