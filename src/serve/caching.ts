/**
 * Strong validators: a picture's bytes follow from the model's version and the request's parameters, so a tag made of
 * both answers "not modified" without drawing. It draws nothing.
 * https://www.rfc-editor.org/rfc/rfc9110#name-etag https://www.rfc-editor.org/rfc/rfc8246 (immutable)
 */
import { hash } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';

/** @param parts everything that the bytes depend on, in a fixed order */
export function makeTag(parts: readonly (string | number | undefined)[]): string {
  return `"${hash('sha256', JSON.stringify(parts), 'base64url').slice(0, 27)}"`;
}

function isKnown(header: string | undefined, tag: string): boolean {
  if (header === undefined) return false;
  return header.split(',').some((one) => one.trim().replace(/^W\//, '') === tag || one.trim() === '*');
}

/**
 * Sets what caches need to know. A URL that names the model's version determines the bytes for ever; any other has to
 * be asked about again, since the model may be replaced, and says which URL does not.
 *
 * @returns whether the client has the picture, so that a 304 answers it
 */
export function setCaching(
  request: FastifyRequest,
  reply: FastifyReply,
  tag: string,
  version: string,
  isPublic: boolean,
): boolean {
  const { url } = request;
  const isPinned = (request.query as { v?: string }).v === version;
  const who = isPublic ? 'public' : 'private';
  reply.header('etag', tag);
  reply.header('cache-control', isPinned ? `${who}, max-age=31536000, immutable` : `${who}, no-cache`);
  if (!isPinned) {
    // A `v` that is there is 1, which means whatever is served.
    const rest = url.replace(/([?&])v=[^&]*&?/, '$1').replace(/[?&]$/, '');
    reply.header('content-location', `${rest}${rest.includes('?') ? '&' : '?'}v=${version}`);
  }
  return isKnown(request.headers['if-none-match'], tag);
}
