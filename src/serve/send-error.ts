/** How a request ends that has no other answer: as the protocol has it, `{"error": …}`, whatever was asked for. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { answerTo } from './refusal.js';

/** Fastify's error handler; what is the server's own fault goes to the log and not to the client. */
export function sendError(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const { status, message, retryAfterS } = answerTo(error);
  if (status === 500) request.log.error({ err: error }, 'request failed');
  if (retryAfterS !== undefined) reply.header('retry-after', String(retryAfterS));
  // What was set for a picture that did not come about.
  for (const name of ['etag', 'content-location']) reply.removeHeader(name);
  return reply.code(status).header('cache-control', 'no-store').send({ error: message });
}

/** Fastify's handler for addresses that nobody has. */
export function sendNotFound(_request: FastifyRequest, reply: FastifyReply): FastifyReply {
  return reply.code(404).send({ error: 'There is nothing at this address.' });
}
