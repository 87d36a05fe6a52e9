/** What tests of remote sessions share: opening where a server holds the file, failures, and broken answers. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { expect } from 'vitest';
import { openInference } from '../../runtimes/open-inference.js';
import { GanError } from '../../src/core/errors.js';
import type { OpenOptions, Session } from '../../src/core/types.js';
import type { InferenceServer } from './inference-server.js';

/** Opens bytes where a server holds these very bytes, or where the options say. */
export async function openAt(
  server: InferenceServer,
  bytes: Uint8Array,
  options: Partial<OpenOptions> = {},
): Promise<Session> {
  return await openInference.open(bytes, { device: 'remote', url: server.addressOf(bytes), ...options });
}

/** What was thrown. */
export async function failureOf(promise: Promise<unknown>): Promise<GanError> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(GanError);
  return error as GanError;
}

/** Lets `answer` take the requests whose URL ends so. */
export function takeOver(
  server: InferenceServer,
  end: string,
  answer: (response: ServerResponse, request: IncomingMessage) => void,
): void {
  server.intercept = (request, response) => {
    if (!request.url!.endsWith(end)) return false;
    answer(response, request);
    return true;
  };
}

/** Answers with JSON, or with text as it is. */
export function sendJson(response: ServerResponse, value: unknown, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(typeof value === 'string' ? value : JSON.stringify(value));
}
