/**
 * Who may go at once and who waits: first come, first served, and whoever gives up leaves the line. It knows nothing
 * of what they wait for.
 */

/** A line before a number of places. */
export interface Line {
  /** How many have a place. */
  readonly busy: number;
  /** How many wait for one. */
  readonly waiting: number;
  /**
   * Waits for a place; whoever gets one calls `leave` when done.
   *
   * @throws the signal's reason, or what the line was closed with
   */
  enter(signal?: AbortSignal): Promise<void>;
  leave(): void;
  /** Lets nobody in any more; those who wait are sent away with the reason. */
  close(reason: Error): void;
  /** Resolves when every place is free. */
  empty(): Promise<void>;
}

/** @param places how many may go at once */
export function makeLine(places: number): Line {
  const waiting = new Set<{ enter(): void; refuse(reason: unknown): void }>();
  const onEmpty: (() => void)[] = [];
  let busy = 0;
  let closed: Error | undefined;
  return {
    get busy() {
      return busy;
    },
    get waiting() {
      return waiting.size;
    },
    async enter(signal) {
      signal?.throwIfAborted();
      if (closed) throw closed;
      if (busy < places) {
        busy++;
        return;
      }
      await new Promise<void>((resolve, reject) => {
        const stop = (): void => one.refuse(signal?.reason);
        const settle = (end: () => void): void => {
          waiting.delete(one);
          signal?.removeEventListener('abort', stop);
          end();
        };
        const one = {
          enter: () => settle(resolve),
          refuse: (reason: unknown) => settle(() => reject(reason)),
        };
        waiting.add(one);
        signal?.addEventListener('abort', stop, { once: true });
      });
    },
    leave() {
      const [next] = waiting;
      // The place goes from one to the other, so that nobody who comes now gets in between.
      if (next) next.enter();
      else busy--;
      if (busy === 0) for (const tell of onEmpty.splice(0)) tell();
    },
    close(reason) {
      closed = reason;
      for (const one of waiting) one.refuse(reason);
    },
    async empty() {
      if (busy > 0) await new Promise<void>((resolve) => onEmpty.push(resolve));
    },
  };
}
