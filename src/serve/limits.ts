/**
 * What guards a server as a whole: length of addresses, rates, a token, origins, headers for browsers. The safe choice
 * is the default. https://owasp.org/www-project-secure-headers/
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import cors from '@fastify/cors';
import helmet from '@fastify/helmet';
import rateLimit from '@fastify/rate-limit';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { STYLE_HASH } from './front-page.js';
import { Refusal } from './refusal.js';

export interface LimitOptions {
  /** What `Authorization: Bearer …` has to say, but for the two health routes. */
  readonly token?: string | undefined;
  /** Origins whose pages may read answers; `*` for all. */
  readonly cors?: readonly string[] | undefined;
  /** Requests a minute from one address; 0 for any number. */
  readonly ratePerMinute: number;
}

/** Longer addresses are nobody's wish. */
const MAX_URL = 2048;

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

function hasBody({ headers }: FastifyRequest): boolean {
  const { 'content-length': length = '0', 'transfer-encoding': encoding } = headers;
  return length !== '0' || encoding !== undefined;
}

/** What every answer says to browsers; pages say more. */
function addHeaders(app: FastifyInstance, isShared: boolean): void {
  const policy = isShared ? 'cross-origin' : 'same-origin';
  app.addHook('onRequest', (_request, reply, done) => {
    reply.header('x-content-type-options', 'nosniff');
    reply.header('referrer-policy', 'no-referrer');
    reply.header('cross-origin-resource-policy', policy);
    done();
  });
}

function checkUrl(app: FastifyInstance): void {
  app.addHook('onRequest', (request, _reply, done) => {
    if (request.raw.url!.length > MAX_URL)
      return done(new Refusal(414, `An address has at most ${MAX_URL} characters.`));
    if (hasBody(request) && /^(?:GET|HEAD|OPTIONS)$/.test(request.method))
      return done(new Refusal(400, `A ${request.method} has no body.`));
    done();
  });
  app.addHook('onSend', (request, reply, _payload, done) => {
    // An answer that came before the body did: else the rest would be read to its end, for nothing.
    if (!request.raw.complete && hasBody(request)) reply.header('connection', 'close');
    done();
  });
}

function checkToken(app: FastifyInstance, token: string): void {
  const wanted = digest(token);
  app.addHook('onRequest', (request, reply, done) => {
    if (request.routeOptions.config.isOpen) return done();
    const [, given] = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '') ?? [];
    // Digests have one length, and comparing them takes one time.
    if (given !== undefined && timingSafeEqual(digest(given), wanted)) return done();
    reply.header('www-authenticate', 'Bearer');
    done(new Refusal(401, 'A bearer token is needed.'));
  });
}

/** Sets up everything that a request passes before it meets a route. */
export async function registerLimits(app: FastifyInstance, options: LimitOptions): Promise<void> {
  const { token, cors: origins, ratePerMinute } = options;
  addHeaders(app, origins !== undefined);
  checkUrl(app);
  await app.register(helmet, {
    // Pages ask for it; a dozen headers on each of thousands of pictures a second would guard nothing.
    global: false,
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        'default-src': ["'none'"],
        'img-src': ["'self'", 'data:'],
        'style-src': [STYLE_HASH],
        'form-action': ["'self'"],
        'base-uri': ["'none'"],
        'frame-ancestors': ["'none'"],
      },
    },
    // Whoever ends TLS in front of this server decides on that.
    strictTransportSecurity: false,
    crossOriginResourcePolicy: false,
  });
  if (origins) {
    const origin = origins.includes('*') ? '*' : [...origins];
    const exposedHeaders = ['ETag', 'Retry-After', 'Inference-Header-Content-Length', 'Content-Location'];
    await app.register(cors, { origin, methods: ['GET', 'HEAD', 'POST'], exposedHeaders, maxAge: 600 });
  }
  if (ratePerMinute > 0) {
    await app.register(rateLimit, {
      max: ratePerMinute,
      timeWindow: 60_000,
      errorResponseBuilder: (_request, { ttl }) =>
        new Refusal(429, 'Too many requests from this address.', Math.ceil(ttl / 1000)),
    });
  }
  if (token !== undefined) checkToken(app, token);
}
