/** Ctrl-C and SIGTERM as an AbortSignal, so that a verb can finish its step and save before it ends. */

/** Exit code of a program that Ctrl-C ended: 128 + SIGINT. */
export const EXIT_STOPPED = 130;

/**
 * Listens until released.
 *
 * @param onFirst called at the first signal; the second one ends the process at once, by that signal, as if nobody had
 *                listened: threads within native code, which `process.exit` would bring to abort, end without a word
 */
export function abortOnSignal(onFirst: () => void): { signal: AbortSignal; release: () => void } {
  const controller = new AbortController();
  const release = (): void => void process.off('SIGINT', stop).off('SIGTERM', stop);
  const stop = (name: NodeJS.Signals): void => {
    if (controller.signal.aborted) {
      release();
      process.kill(process.pid, name);
      return;
    }
    onFirst();
    controller.abort();
  };
  process.on('SIGINT', stop).on('SIGTERM', stop);
  return { signal: controller.signal, release };
}
