/**
 * Requests to one server: a limit on the wait, the server's own words in errors, an end to all that is under way.
 * Connections are kept open between requests, which is what `fetch` does. It knows addresses and bytes, not tensors.
 */
import { GanError, messageOf } from '../../src/core/errors.js';
import { failedRun } from '../contract.js';
import { type Address, NAME } from './address.js';

/** Also covers what a server needs to bring up a model on its first request. */
const TIMEOUT_MS = 60_000;
/** Of what a server said, in an error. */
export const KEPT_CHARACTERS = 300;
const RESETS: readonly string[] = ['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET'];

/** A whole answer. */
export interface Answer {
  readonly headers: Headers;
  readonly bytes: Uint8Array;
}

/** The requests of one session. */
export interface Connection {
  /** The JSON at a URL; undefined where the answer is empty, as those about readiness are. @throws GanError */
  get(url: string): Promise<unknown>;
  /** @throws GanError `BAD_ARGUMENT` for a request that the server finds wrong, `RUNTIME_UNAVAILABLE` otherwise */
  post(url: string, body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string>): Promise<Answer>;
  /** Ends what is under way; those who wait for it get an error. */
  close(): void;
}

/** The error for a server that does not answer, or not as it should. */
export function unusable(url: string, reason: string, remedy: string, cause?: unknown): GanError {
  const message = `Expected ${url} to answer, got \`${reason}\`. ${remedy}`;
  return new GanError('RUNTIME_UNAVAILABLE', NAME, message, { cause });
}

/** Errors of the network under `fetch failed`, as the system names them. */
function codeOf(error: unknown): string | undefined {
  const { cause } = error as { cause?: { code?: unknown } };
  return typeof cause?.code === 'string' ? cause.code : undefined;
}

/** What the body of a refusal says: `{"error": …}` by the protocol, `{"detail": …}` by some, else its text. */
function readRefusal({ bytes }: Answer): string {
  const text = new TextDecoder().decode(bytes);
  try {
    const { error, detail } = JSON.parse(text) as { error?: unknown; detail?: unknown };
    const said = error ?? detail;
    if (said !== undefined) return typeof said === 'string' ? said : JSON.stringify(said);
  } catch {
    // A page or a plain sentence.
  }
  return text;
}

function describeRefusal(status: number, answer: Answer): string {
  const said = readRefusal(answer).replace(/\s+/g, ' ').trim().slice(0, KEPT_CHARACTERS);
  return said === '' ? `HTTP ${status}` : `HTTP ${status}: ${said}`;
}

/** @param timeoutMs longest wait for one whole answer */
export function connect({ authorization }: Address, timeoutMs = TIMEOUT_MS): Connection {
  const underWay = new Set<AbortController>();

  const request = async (
    url: string,
    init: RequestInit,
    tries = 1,
  ): Promise<{ status: number; answer: Answer }> => {
    const controller = new AbortController();
    underWay.add(controller);
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      controller.abort();
    }, timeoutMs);
    const headers = { ...init.headers, ...(authorization ? { authorization } : {}) };
    let hasBegun = false;
    try {
      const response = await fetch(url, { ...init, headers, signal: controller.signal });
      hasBegun = true;
      const bytes = new Uint8Array(await response.arrayBuffer());
      return { status: response.status, answer: { headers: response.headers, bytes } };
    } catch (cause) {
      if (isLate) {
        const reason = `no whole answer within ${timeoutMs / 1000} s`;
        throw unusable(url, reason, 'See how busy the server is, or allow more time.', cause);
      }
      if (controller.signal.aborted) throw unusable(url, 'a closed session', 'Open it again.', cause);
      const reason = codeOf(cause) ?? messageOf(cause);
      // A server may close a connection that was kept open just as the next request goes out.
      if (!hasBegun && tries > 1 && RESETS.includes(reason)) return await request(url, init, tries - 1);
      if (hasBegun) throw unusable(url, `an answer that broke off (${reason})`, 'Try again.', cause);
      throw unusable(url, reason, 'Start the server, or correct the URL.', cause);
    } finally {
      clearTimeout(timer);
      underWay.delete(controller);
    }
  };

  const get = async (url: string): Promise<unknown> => {
    const { status, answer } = await request(url, {});
    if (status < 200 || status > 299)
      throw unusable(url, describeRefusal(status, answer), 'Correct the URL, or load the model there.');
    const text = new TextDecoder().decode(answer.bytes);
    if (text.trim() === '') return undefined;
    try {
      return JSON.parse(text) as unknown;
    } catch (cause) {
      throw unusable(url, text.slice(0, KEPT_CHARACTERS), 'Is this a server of the protocol?', cause);
    }
  };

  const post: Connection['post'] = async (url, body, headers) => {
    const { status, answer } = await request(url, { method: 'POST', body, headers }, 2);
    if (status >= 200 && status <= 299) return answer;
    const said = describeRefusal(status, answer);
    if (status === 400 || status === 422) throw failedRun(NAME, new Error(said));
    throw unusable(url, said, 'See what the server logs.');
  };

  return {
    get,
    post,
    close: () => {
      for (const controller of underWay) controller.abort();
    },
  };
}
