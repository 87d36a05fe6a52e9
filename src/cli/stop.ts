/** Ctrl-C and SIGTERM as an AbortSignal, so that a verb can finish its step and save before it ends. */

/** Exit code of a program that Ctrl-C ended: 128 + SIGINT. */
export const EXIT_STOPPED = 130;

/**
 * Listens until released.
 *
 * @param onFirst called at the first signal; the second one ends the process at once
 */
export function abortOnSignal(onFirst: () => void): { signal: AbortSignal; release: () => void } {
  const controller = new AbortController();
  const stop = (): void => {
    if (controller.signal.aborted) process.exit(EXIT_STOPPED);
    onFirst();
    controller.abort();
  };
  process.on('SIGINT', stop).on('SIGTERM', stop);
  return { signal: controller.signal, release: () => void process.off('SIGINT', stop).off('SIGTERM', stop) };
}
