/**
 * The routes of the Open Inference Protocol v2, so that clients for Triton, KServe and MLServer work as they are.
 * https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_rest.md
 */
import type { OutgoingHttpHeaders } from 'node:http';
import type { FastifyInstance, FastifyReply } from 'fastify';
import {
  answerInBytes,
  answerInJson,
  describeModel,
  describeServer,
  type InferAnswer,
  toFileLayout,
} from './protocol-answer.js';
import { LENGTH_HEADER, readInferRequest } from './protocol-request.js';
import { Refusal } from './refusal.js';
import { acceptCall, type Service } from './service.js';

/** Fewer numbers are written to JSON where they are; sending them away would cost more. */
const SHORT = 512;

/** No model's requests are larger: a number takes up to some 25 bytes as text. Longer JSON would hold the event loop. */
function findMaxBody({ models, settings }: Service): number {
  const sizes = models.list().map(({ generator }) => generator.metadata.latentSize);
  return Math.max(2 ** 20, settings.maxCount * (Math.max(...sizes) + 1) * 32);
}

/**
 * Sends an answer as it lies in memory. Joining its parts would copy every image once more, and the garbage of it is
 * what a busy server feels most.
 */
function sendParts(reply: FastifyReply, { headers, parts }: InferAnswer, isReady: boolean): FastifyReply {
  const size = parts.reduce((sum, part) => sum + part.length, 0);
  reply.headers(headers).header('content-length', String(size));
  if (!isReady) reply.header('connection', 'close');
  reply.hijack();
  const { raw } = reply;
  raw.writeHead(200, reply.getHeaders() as OutgoingHttpHeaders);
  raw.cork();
  for (const part of parts) raw.write(part);
  raw.end();
  raw.uncork();
  return reply;
}

interface ModelParams {
  readonly model: string;
  readonly version?: string;
}

const describe = (summary: string, config: object = {}) => ({
  schema: { summary, tags: ['Open Inference Protocol v2'] },
  config,
});

export async function protocolRoutes(app: FastifyInstance, service: Service): Promise<void> {
  const { models, encoder, settings } = service;
  // The body is bytes, whatever a client calls it.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(
    '*',
    { parseAs: 'buffer', bodyLimit: findMaxBody(service) },
    (_request, body, done) => done(null, body),
  );
  const open = { isOpen: true, rateLimit: false };

  app.get('/v2', describe('What this server is'), () => describeServer());
  app.get('/v2/health/live', describe('Whether it runs', open), () => ({ live: true }));
  app.get('/v2/health/ready', describe('Whether it takes requests', open), (_request, reply) =>
    reply.code(service.isReady ? 200 : 503).send({ ready: service.isReady }),
  );

  for (const path of ['/v2/models/:model', '/v2/models/:model/versions/:version']) {
    app.get<{ Params: ModelParams }>(path, describe("A model's inputs and outputs"), ({ params }) =>
      describeModel(models.find(params.model, params.version)),
    );
    app.get<{ Params: ModelParams }>(
      `${path}/ready`,
      describe('Whether a model takes requests'),
      ({ params }) => {
        const { name } = models.find(params.model, params.version);
        return { name, ready: true };
      },
    );
    app.post<{ Params: ModelParams; Body: unknown }>(
      `${path}/infer`,
      describe('Images for latents'),
      async (request, reply) => {
        const { params, headers, body } = request;
        const model = models.find(params.model, params.version);
        if (headers['content-encoding'] !== undefined)
          throw new Refusal(415, 'The body has to come uncompressed.');
        if (!Buffer.isBuffer(body)) throw new Refusal(400, 'The request has no body.');
        const stated = headers[LENGTH_HEADER];
        const wish = readInferRequest(body, stated?.toString(), model, settings.maxCount);
        const call = acceptCall(service, model, wish.rows, reply);
        const { latents, labels, id } = wish;
        const drawn = await model.batcher.submit({ latents, labels, call });
        const images = toFileLayout(drawn, model);
        if (wish.isBinary) {
          const answer = answerInBytes(model, id, images);
          return sendParts(reply, answer, service.isReady);
        }
        const data =
          images.length <= SHORT
            ? Buffer.from(JSON.stringify(Array.from(images)))
            : await encoder.encode({ kind: 'json', values: images.slice() }, call);
        const answer = answerInJson(model, id, images.length, data);
        return sendParts(reply, answer, service.isReady);
      },
    );
  }
}
