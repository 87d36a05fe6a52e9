/**
 * A whole server around the plugin: limits on connections, headers and slow clients, one log line a request, the
 * OpenAPI document, and an end that loses nothing which was accepted.
 */
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import swagger from '@fastify/swagger';
import {
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type FastifyServerOptions,
  fastify,
  LogController,
} from 'fastify';
import { renderDocs } from './docs-page.js';
import { type LimitOptions, registerLimits } from './limits.js';
import type { ServedModel } from './model.js';
import type { ServeOptions } from './options.js';
import { ganxServe } from './plugin.js';
import { sendError, sendNotFound } from './send-error.js';
import type { Service } from './service.js';
import { ganxVersion } from './version.js';

export interface ServerOptions extends ServeOptions, Partial<LimitOptions> {
  /** Callers' addresses are what `X-Forwarded-For` says; false when absent, since anybody can send that header. */
  readonly trustProxy?: boolean | undefined;
  /** Connections at a time; 1024 when absent. */
  readonly maxConnections?: number | undefined;
  /** How long a connection may take for a request's headers, in milliseconds; 10,000 when absent. */
  readonly headersTimeoutMs?: number | undefined;
  /** How long it may take for a whole request, in milliseconds; 30,000 when absent. */
  readonly requestTimeoutMs?: number | undefined;
  /** Fastify's own option; false when absent. */
  readonly logger?: FastifyServerOptions['logger'];
}

export interface Server {
  readonly app: FastifyInstance;
  /** What is served, for people: a line for each model. */
  describe(): readonly string[];
  /** @returns the address, such as `http://127.0.0.1:8080` */
  listen(host: string, port: number): Promise<string>;
  /**
   * Ends it: not ready at once, then no new connections, then every accepted request answered, then the models.
   *
   * @param noticeMs how long connections are still taken, so that a load balancer can learn of it; 0 when absent
   */
  close(noticeMs?: number): Promise<void>;
}

/** Of a request's head, in bytes and in lines. */
const MAX_HEADER_BYTES = 16_384;
const MAX_HEADERS = 100;

const PARSER_STATUS: Readonly<Record<string, readonly [number, string]>> = {
  HPE_HEADER_OVERFLOW: [431, 'Request Header Fields Too Large'],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: [413, 'Payload Too Large'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'Request Timeout'],
};

/** Answers what is no request at all. */
function refuseConnection(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
  const [status, reason] = PARSER_STATUS[error.code ?? ''] ?? [400, 'Bad Request'];
  const body = JSON.stringify({ error: reason });
  const head = `HTTP/1.1 ${status} ${reason}\r\nConnection: close\r\nContent-Type: application/json`;
  socket.end(`${head}\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
}

async function addDocument(app: FastifyInstance): Promise<void> {
  await app.register(swagger, {
    openapi: { openapi: '3.1.0', info: { title: 'ganx', version: ganxVersion() } },
  });
  const schema = { hide: true };
  app.get('/openapi.json', { schema }, () => app.swagger());
  app.get('/docs', { schema, helmet: {} }, (_request, reply) =>
    reply.type('text/html; charset=utf-8').send(renderDocs(app.swagger() as object, '')),
  );
}

/** `digits: mlp, images 28 × 28 × 1, onnxruntime-node 1.30.0 on cpu` */
function describeModel({ name, generator }: ServedModel): string {
  const { metadata, runtime, version, device } = generator;
  const { model, kind, imageShape } = metadata;
  return `${name}: ${model}, ${kind} ${imageShape.join(' × ')}, ${runtime} ${version} on ${device}`;
}

/** @throws GanError for a model that cannot be served or an option out of range */
export async function createServer(options: ServerOptions): Promise<Server> {
  const app: FastifyInstance = fastify({
    logger: options.logger ?? false,
    logController: new LogController({ disableRequestLogging: true }),
    // Requests that were sent before a client learned of the end are answered, too.
    return503OnClosing: false,
    // One log for all requests; making one for each takes longer than most of them say.
    childLoggerFactory: (logger) => logger,
    bodyLimit: 65_536,
    trustProxy: options.trustProxy ?? false,
    requestTimeout: options.requestTimeoutMs ?? 30_000,
    keepAliveTimeout: 72_000,
    http: {
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: options.headersTimeoutMs ?? 10_000,
      connectionsCheckingInterval: 1000,
    },
    routerOptions: { maxParamLength: 128 },
    clientErrorHandler: refuseConnection,
    frameworkErrors: (error, request, reply) =>
      void sendError(error, request as FastifyRequest, reply as FastifyReply),
  });
  app.setErrorHandler(sendError);
  app.server.maxConnections = options.maxConnections ?? 1024;
  app.server.maxHeadersCount = MAX_HEADERS;
  let isClosing = false;
  app.addHook('onSend', (_request, reply, _payload, done) => {
    if (isClosing) reply.header('connection', 'close');
    done();
  });
  app.addHook('onResponse', ({ method, url, ip, log }, reply, done) => {
    const { statusCode: status, elapsedTime } = reply;
    log.info({ method, url: url.slice(0, 256), status, ms: Number(elapsedTime.toFixed(1)), ip }, 'request');
    done();
  });
  const { token, cors, ratePerMinute = 0 } = options;
  await registerLimits(app, { token, cors, ratePerMinute });
  // Whoever tries addresses at random is counted, too.
  app.setNotFoundHandler(ratePerMinute > 0 ? { preHandler: app.rateLimit() } : {}, sendNotFound);
  await addDocument(app);
  const { publicCaches = token === undefined } = options;
  let service: Service | undefined;
  await app.register(ganxServe, {
    ...options,
    publicCaches,
    onOpen: (opened) => {
      service = opened;
    },
  });
  await app.ready();
  return {
    app,
    describe: () => (service?.models.list() ?? []).map(describeModel),
    listen: (host, port) => app.listen({ host, port }),
    close: async (noticeMs = 0) => {
      isClosing = true;
      if (service) service.isReady = false;
      if (noticeMs > 0) await sleep(noticeMs);
      await app.close();
    },
  };
}
