/**
 * What the server counts, for Prometheus: requests, latencies, batches, queues. It only counts.
 * https://prometheus.io/docs/practices/naming/
 */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { ServedModel } from './model.js';

export interface Metrics {
  readonly contentType: string;
  /** The page that Prometheus reads. */
  print(): Promise<string>;
  /** @param route as it was declared, so that there are few */
  noteRequest(method: string, route: string, code: number, durationS: number): void;
  noteRun(model: string, rows: number): void;
  noteReload(model: string, result: 'taken' | 'refused'): void;
}

/** Seconds; from a picture that is drawn at once to the usual deadline. */
const LATENCIES = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const ROWS = [1, 2, 4, 8, 16, 32, 64, 128, 256];

/** @param list the models that are served at the time of asking */
export function createMetrics(list: () => readonly ServedModel[]): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const requests = new Counter({
    name: 'ganx_http_requests_total',
    help: 'Requests by route and status.',
    labelNames: ['method', 'route', 'code'],
    registers,
  });
  const durations = new Histogram({
    name: 'ganx_http_request_duration_seconds',
    help: 'Time from the request to the end of the answer.',
    labelNames: ['route'],
    buckets: LATENCIES,
    registers,
  });
  const batches = new Histogram({
    name: 'ganx_batch_images',
    help: 'Images in one run of a model.',
    labelNames: ['model'],
    buckets: ROWS,
    registers,
  });
  const reloads = new Counter({
    name: 'ganx_model_reloads_total',
    help: 'Model files that changed, taken or refused.',
    labelNames: ['model', 'result'],
    registers,
  });
  const addGauge = (name: string, help: string, read: (model: ServedModel) => number): void => {
    new Gauge({
      name,
      help,
      labelNames: ['model'],
      registers,
      collect() {
        for (const model of list()) this.set({ model: model.name }, read(model));
      },
    });
  };
  addGauge('ganx_queue_images', 'Images that wait for a run.', ({ batcher }) => batcher.waiting);
  addGauge('ganx_accepted_images', 'Images accepted and not yet answered.', ({ accepted }) => accepted);
  addGauge('ganx_runs_active', 'Runs of a model under way.', ({ batcher }) => batcher.running);
  new Gauge({
    name: 'ganx_workers',
    help: 'Threads that hold a model, by what they do.',
    labelNames: ['model', 'state'],
    registers,
    collect() {
      for (const { name: model, generator } of list()) {
        const { workers, busy } = generator.workers?.() ?? { workers: 0, busy: 0 };
        this.set({ model, state: 'busy' }, busy);
        this.set({ model, state: 'idle' }, workers - busy);
      }
    },
  });
  addGauge(
    'ganx_workers_replaced',
    'Threads that ended and were replaced since the model was opened.',
    ({ generator }) => generator.workers?.().replaced ?? 0,
  );
  new Gauge({
    name: 'ganx_model_info',
    help: 'What is served: always 1.',
    labelNames: ['model', 'version', 'runtime', 'device'],
    registers,
    collect() {
      this.reset();
      for (const { name: model, version, generator } of list())
        this.set({ model, version, runtime: generator.runtime, device: generator.device }, 1);
    },
  });

  return {
    contentType: registry.contentType,
    print: () => registry.metrics(),
    noteRequest: (method, route, code, durationS) => {
      requests.inc({ method, route, code });
      durations.observe({ route }, durationS);
    },
    noteRun: (model, rows) => batches.observe({ model }, rows),
    noteReload: (model, result) => reloads.inc({ model, result }),
  };
}
