/**
 * All routes as one plugin for Fastify, for a server of one's own: `app.register(ganxServe, { models: … })`, with a
 * prefix if it shall have one. What guards a server as a whole (token, rates, headers) is the host's affair; here are
 * the limits that belong to the routes. https://fastify.dev/docs/latest/Reference/Plugins/
 */
import type { FastifyInstance } from 'fastify';
import { expected } from '../core/errors.js';
import { renderFrontPage } from './front-page.js';
import { readOptions, type ServeOptions } from './options.js';
import { pictureRoutes, readLabel } from './pictures.js';
import { protocolRoutes } from './protocol.js';
import { anyText, describeParameters, readParameters, realNumber, wholeNumber } from './query.js';
import { sendError, sendNotFound } from './send-error.js';
import { openService, type Service } from './service.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Needs no token. */
    isOpen?: boolean;
  }
}

function frontRoute(app: FastifyInstance, { models, settings }: Service): void {
  const count = Math.min(64, settings.maxCount);
  const parameters = {
    model: anyText('The model.'),
    seed: wholeNumber('The seed.', 0, Number.MAX_SAFE_INTEGER - 1, 0),
    count: wholeNumber('How many.', 1, settings.maxCount, count),
    truncation: realNumber('Less makes likelier and less varied images.', 0, 1, 1),
    label: { ...anyText('The class.'), read: (text: string) => text.slice(0, 64) },
  };
  const schema = {
    summary: 'A page with samples',
    tags: ['pages'],
    querystring: describeParameters(parameters),
  };
  app.get('/', { schema, validatorCompiler: () => () => true, helmet: {} }, (request, reply) => {
    const wish = readParameters(parameters, request.query);
    const model = models.find(wish.model);
    const points = model.generator.metadata.kind === 'points';
    const label = wish.label || undefined;
    readLabel(label, model);
    const { seed = 0, truncation = 1 } = wish;
    const all = { seed, truncation, label, count: wish.count ?? (points ? settings.maxCount : count) };
    reply.type('text/html; charset=utf-8').header('cache-control', 'no-cache');
    return renderFrontPage(app.prefix, models.list(), model, all, settings.maxCount);
  });
}

/** For who wants to see what was opened. */
export interface PluginOptions extends ServeOptions {
  readonly onOpen?: ((service: Service) => void) | undefined;
}

/**
 * Serves models: pictures, the Open Inference Protocol v2, metrics, and a front page.
 *
 * @throws GanError when `ready()` is awaited, for a model that cannot be served or an option out of range
 */
export async function ganxServe(app: FastifyInstance, options: PluginOptions): Promise<void> {
  if (typeof options.models !== 'object') throw expected('serve', 'models by name', options.models);
  const settings = readOptions(options);
  const service = await openService(settings, app.log);
  const { metrics } = service;
  options.onOpen?.(service);
  app.addHook('preClose', async () => {
    service.isReady = false;
  });
  app.addHook('onClose', () => service.close());
  app.addHook('onResponse', (request, reply, done) => {
    const route = request.is404 ? 'none' : (request.routeOptions.url ?? 'none');
    metrics.noteRequest(request.method, route, reply.statusCode, reply.elapsedTime / 1000);
    done();
  });
  app.setErrorHandler(sendError);
  // Without a prefix, what is not here may be another plugin's.
  if (app.prefix !== '') app.setNotFoundHandler(sendNotFound);
  app.get(
    '/metrics',
    { schema: { summary: 'Counters for Prometheus', tags: ['pages'] } },
    async (_request, reply) => reply.type(metrics.contentType).send(await metrics.print()),
  );
  frontRoute(app, service);
  await pictureRoutes(app, service);
  await app.register(async (inner) => protocolRoutes(inner, service));
}
