/**
 * An answer other than 200 as an error: the status, what to tell the client, and when to come back.
 * Fastify reads `statusCode`. It knows no route. https://www.rfc-editor.org/rfc/rfc9110#name-status-codes
 */
import { GanError } from '../core/errors.js';

/** Ends a request with a status of its own; the message goes to the client. */
export class Refusal extends Error {
  readonly statusCode: number;
  /** For `Retry-After`, whole seconds. */
  readonly retryAfterS: number | undefined;

  constructor(statusCode: number, message: string, retryAfterS?: number) {
    super(message);
    this.name = 'Refusal';
    this.statusCode = statusCode;
    this.retryAfterS = retryAfterS;
  }
}

/** What a client is told of an error. */
export interface Answer {
  readonly status: number;
  readonly message: string;
  readonly retryAfterS?: number | undefined;
}

/** Statuses of errors that Fastify and its plugins throw; what is above is never shown to a client. */
function statusOf(error: unknown): number {
  const { statusCode } = error as { statusCode?: unknown };
  return typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500 ? statusCode : 500;
}

/** Reads any error as an answer; only what is ours or the client's fault says why. */
export function answerTo(error: unknown): Answer {
  if (error instanceof Refusal) {
    return { status: error.statusCode, message: error.message, retryAfterS: error.retryAfterS };
  }
  if (error instanceof GanError && error.code === 'BAD_ARGUMENT') {
    return { status: 400, message: error.message };
  }
  if (error instanceof GanError && error.code === 'RUNTIME_UNAVAILABLE') {
    return { status: 503, message: 'The model did not run; it may when asked again.', retryAfterS: 1 };
  }
  const status = statusOf(error);
  return {
    status,
    message: status < 500 ? (error as Error).message : 'The server failed; its log says why.',
  };
}
