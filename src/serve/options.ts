/**
 * What a server is told: its models, how it batches, and its limits. Defaults are here and nowhere else.
 * It opens nothing.
 */
import { availableParallelism } from 'node:os';
import { expected } from '../core/errors.js';
import type { LoadOptions } from '../load-generator.js';

/** The models, and how they are drawn from. */
export interface ServeOptions {
  /** Files by the name that a URL has for them; the first is the default. */
  readonly models: Readonly<Record<string, string>>;
  /** Runtime, device and workers of every model; as many workers as the machine has cores when absent. */
  readonly load?: LoadOptions | undefined;
  /** Most images in one run of a model; 64 when absent. */
  readonly maxBatch?: number | undefined;
  /**
   * The longest that a run waits, in microseconds, for as many images as came together lately. When absent 5000, and
   * up to a quarter of a run's time while another one is under way. A client that is alone soon does not wait at all.
   */
  readonly maxWaitUs?: number | undefined;
  /** Most images of a model that are accepted and not yet answered; 1024 when absent. */
  readonly maxQueue?: number | undefined;
  /** Most images in one request; 256 when absent. */
  readonly maxCount?: number | undefined;
  /** Longest time for a whole answer in milliseconds; 30,000 when absent. */
  readonly deadlineMs?: number | undefined;
  /** How often the files are looked at in milliseconds, 0 for never; 1000 when absent. */
  readonly reloadEveryMs?: number | undefined;
  /** Answers may be kept by shared caches; true when absent, false where a token guards them. */
  readonly publicCaches?: boolean | undefined;
}

/** All of them, with their defaults. */
export type ServeSettings = {
  readonly [K in Exclude<keyof ServeOptions, 'maxWaitUs'>]-?: Exclude<ServeOptions[K], undefined>;
} & Pick<ServeOptions, 'maxWaitUs'>;

const MOST: Readonly<Record<string, readonly [number, number]>> = {
  maxBatch: [1, 4096],
  maxWaitUs: [0, 1_000_000],
  maxQueue: [1, 1_000_000],
  maxCount: [1, 65_536],
  deadlineMs: [1, 3_600_000],
  reloadEveryMs: [0, 3_600_000],
};

/** Also what a URL and a file name can both hold. */
const NAME = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$/;

/**
 * Fills in what is absent.
 *
 * @throws GanError `BAD_ARGUMENT` for a value out of range, no model, or a name that a URL cannot hold
 */
export function readOptions(options: ServeOptions): ServeSettings {
  const names = Object.keys(options.models);
  if (names.length === 0) throw expected('serve', 'at least one model', 'none');
  const bad = names.find((name) => !NAME.test(name));
  if (bad !== undefined) throw expected('serve', 'model names of letters, digits, `.`, `_` and `-`', bad);
  const settings: ServeSettings = {
    models: options.models,
    load: { workers: availableParallelism(), ...options.load },
    maxBatch: options.maxBatch ?? 64,
    maxWaitUs: options.maxWaitUs,
    maxQueue: options.maxQueue ?? 1024,
    maxCount: options.maxCount ?? 256,
    deadlineMs: options.deadlineMs ?? 30_000,
    reloadEveryMs: options.reloadEveryMs ?? 1000,
    publicCaches: options.publicCaches ?? true,
  };
  for (const [key, [least, most]] of Object.entries(MOST)) {
    const value = settings[key as 'maxBatch' | 'maxWaitUs'];
    if (value === undefined) continue;
    if (Number.isSafeInteger(value) && value >= least && value <= most) continue;
    throw expected('serve', `${key} that is a whole number from ${least} to ${most}`, String(value));
  }
  return settings;
}
