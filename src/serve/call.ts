/**
 * One accepted request: its deadline, and what ends it early. The deadline covers the whole answer, so that a client
 * that reads slowly cannot hold it for ever. It knows nothing of models.
 */
import type { FastifyReply } from 'fastify';
import { Refusal } from './refusal.js';

/** The end of a request whose client is gone; nobody reads the answer. */
const GONE = new Refusal(499, 'The client closed the connection.');

/** An AbortSignal's work for one listener at a time, at a tenth of its cost for each of thousands of requests. */
export interface Call {
  /** Why nobody waits any more; undefined while somebody does. */
  readonly reason: Refusal | undefined;
  /** Is told the reason; takes the place of the listener before it. */
  onEnd: ((reason: Refusal) => void) | undefined;
  /** Work on it has begun: from then on the deadline is a 504, before it a 503. */
  hasStarted: boolean;
}

/**
 * Begins to watch over a request.
 *
 * @param retryAfterS what a client is told that waited in vain
 * @param onClose     is called once, when the answer has been sent or the client is gone
 * @throws Refusal 499 when the client is gone already
 */
export function beginCall(
  { raw }: FastifyReply,
  deadlineMs: number,
  retryAfterS: () => number,
  onClose: () => void,
): Call {
  if (raw.destroyed) {
    onClose();
    throw GONE;
  }
  let reason: Refusal | undefined;
  const call = {
    get reason() {
      return reason;
    },
    onEnd: undefined as Call['onEnd'],
    hasStarted: false,
  };
  const end = (why: Refusal): void => {
    reason ??= why;
    call.onEnd?.(reason);
  };
  const timer = setTimeout(() => {
    if (raw.headersSent) raw.destroy();
    else if (call.hasStarted) end(new Refusal(504, `No answer within ${deadlineMs} ms.`));
    else end(new Refusal(503, 'The server is busy; nothing was begun.', retryAfterS()));
  }, deadlineMs);
  raw.once('close', () => {
    clearTimeout(timer);
    if (!raw.writableFinished) end(GONE);
    onClose();
  });
  return call;
}
