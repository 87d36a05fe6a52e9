/**
 * What a model's last runs tell of the next one: how many images are worth waiting for, whether runs are so quick that
 * there is no use in more than one at a time, and how long a queue takes. It starts nothing.
 */

export interface Pace {
  /** Takes note of how many images had come together when runs began. */
  noteTide(rows: number): void;
  noteRun(rows: number, durationMs: number): void;
  /** As many images as came together lately: when so many wait, there is nothing to wait for. */
  readonly target: number;
  /**
   * How long the next run may wait for the target, in milliseconds.
   *
   * @param isBusy another run is under way, so that the machine is not idle meanwhile
   */
  patienceMs(isBusy: boolean): number;
  /** Whether a run of so many images takes less time than it may wait. */
  isQuick(rows: number): boolean;
  /** Whole seconds, 1 to 60, that so many images take. */
  secondsFor(rows: number): number;
}

/** What remains of a high tide: alone again, a client waits in vain for some 25 runs at most. */
const EBB = 0.85;
/** The weight of the latest run. */
const LATEST = 0.1;
/** How soon the best run is forgotten; others were slower since the machine had other things to do. */
const FORGET = 1.05;

/**
 * The part of a run that it may wait while another one is under way, when nobody has set a limit: clients that were
 * answered together come again one after the other, and a fuller run costs less an image.
 */
const SHARE = 0.25;
/** The wait in milliseconds when nobody has set one. */
const USUAL_WAIT_MS = 5;

/**
 * @param maxBatch images that are expected before anything is known
 * @param limitMs  the longest wait, when somebody has set one
 */
export function makePace(maxBatch: number, limitMs: number | undefined): Pace {
  const maxWaitMs = limitMs ?? USUAL_WAIT_MS;
  let tide = maxBatch;
  let usualMs = 0;
  let bestMs = Number.POSITIVE_INFINITY;
  return {
    noteTide: (rows) => {
      tide = Math.max(rows, EBB * tide);
    },
    noteRun: (rows, durationMs) => {
      const rowMs = durationMs / rows;
      usualMs = usualMs === 0 ? rowMs : (1 - LATEST) * usualMs + LATEST * rowMs;
      bestMs = Math.min(rowMs, FORGET * bestMs);
    },
    get target() {
      return Math.min(maxBatch, Math.floor(tide));
    },
    patienceMs(isBusy) {
      if (limitMs !== undefined || !isBusy || bestMs === Number.POSITIVE_INFINITY) return maxWaitMs;
      return Math.max(maxWaitMs, SHARE * this.target * bestMs);
    },
    isQuick: (rows) => rows * bestMs < maxWaitMs,
    secondsFor: (rows) => Math.min(60, Math.max(1, Math.ceil((rows * usualMs) / 1000))),
  };
}
