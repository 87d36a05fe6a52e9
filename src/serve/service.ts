/**
 * What all routes share: the settings, the models, the encoding threads and the counters, opened and closed together;
 * and how a request for images is accepted.
 */
import { availableParallelism } from 'node:os';
import type { FastifyReply } from 'fastify';
import { beginCall, type Call } from './call.js';
import { createEncoder, type Encoder } from './encoder.js';
import { createMetrics, type Metrics } from './metrics.js';
import type { ServedModel } from './model.js';
import { type EventLog, type Models, openModels } from './models.js';
import type { ServeSettings } from './options.js';

export interface Service {
  readonly settings: ServeSettings;
  readonly models: Models;
  readonly encoder: Encoder;
  readonly metrics: Metrics;
  /** False once the server is about to stop; what comes is still answered. */
  isReady: boolean;
  close(): Promise<void>;
}

/** @throws GanError for a model that cannot be served */
export async function openService(settings: ServeSettings, log: EventLog): Promise<Service> {
  let models: Models | undefined;
  const metrics = createMetrics(() => models?.list() ?? []);
  models = await openModels(settings, log, metrics);
  const encoder = createEncoder(Math.max(1, Math.floor(availableParallelism() / 2)));
  return {
    settings,
    models,
    encoder,
    metrics,
    isReady: true,
    close: async () => {
      await models.close();
      await encoder.close();
    },
  };
}

/**
 * Accepts a request for images, or refuses it at once.
 *
 * @throws Refusal 503 when the model has too many to draw
 */
export function acceptCall(
  { settings }: Service,
  model: ServedModel,
  rows: number,
  reply: FastifyReply,
): Call {
  return beginCall(reply, settings.deadlineMs, model.retryAfterS, model.enter(rows));
}
