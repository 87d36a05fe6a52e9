/**
 * One accepted request: its deadline, and what ends it early. The deadline covers the whole answer, so that a client
 * that reads slowly cannot hold it for ever. It knows nothing of models.
 */
import type { FastifyReply } from 'fastify';
import { Refusal } from './refusal.js';

/** The end of a request whose client is gone; nobody reads the answer. */
const GONE = new Refusal(499, 'The client closed the connection.');

export interface Call {
  /** Is aborted at the deadline, and when the client goes away. */
  readonly signal: AbortSignal;
  /** To be called when work on it begins: from then on the deadline is a 504, before it a 503. */
  readonly start: () => void;
}

/**
 * Begins to watch over a request.
 *
 * @param retryAfterS what a client is told that waited in vain
 * @param onEnd       is called once, when the answer has been sent or the client is gone
 */
export function beginCall(
  { raw }: FastifyReply,
  deadlineMs: number,
  retryAfterS: () => number,
  onEnd: () => void,
): Call {
  const controller = new AbortController();
  let hasStarted = false;
  const timer = setTimeout(() => {
    if (raw.headersSent) raw.destroy();
    else if (hasStarted) controller.abort(new Refusal(504, `No answer within ${deadlineMs} ms.`));
    else controller.abort(new Refusal(503, 'The server is busy; nothing was begun.', retryAfterS()));
  }, deadlineMs);
  raw.once('close', () => {
    clearTimeout(timer);
    if (!raw.writableFinished) controller.abort(GONE);
    onEnd();
  });
  return {
    signal: controller.signal,
    start: () => {
      hasStarted = true;
    },
  };
}
