/**
 * A program: clients that each ask, wait for the answer and ask again, by autocannon, a load tool that ganx did not
 * write. It prints what came back as JSON. https://github.com/mcollina/autocannon
 */
import type { EventEmitter } from 'node:events';
import autocannon from 'autocannon';
import { encodeRequest } from '../../runtimes/open-inference/messages.js';
import { drawLatents, type LatentShape } from '../../src/sample/index.js';
import { readOptions } from './run-program.js';

/** One kind of request. */
export interface LoadRequest {
  readonly method?: 'GET' | 'POST';
  /** `{seed}` in it becomes another number in each request. */
  readonly path: string;
  /** Infers so many images from latents, as binary tensors. */
  readonly infer?: { readonly count: number; readonly shape: LatentShape; readonly image: readonly number[] };
}

export interface LoadOptions {
  readonly url: string;
  readonly clients: number;
  readonly seconds: number;
  readonly requests: readonly LoadRequest[];
  /** Requests a second of all clients together; as many as come back when absent. */
  readonly rate?: number;
}

export interface LoadResult {
  readonly seconds: number;
  readonly answered: number;
  /** Requests whose connection broke, or that got no answer in time. What was under way at the end is not counted. */
  readonly lost: number;
  /** Answers by status. */
  readonly statuses: Readonly<Record<string, number>>;
  /** Answers 503 that did not say when to come again. */
  readonly silentRefusals: number;
  /** Milliseconds until an answer was whole. */
  readonly latency: { readonly p50: number; readonly p99: number; readonly max: number };
}

/** How long a client waits for an answer. */
const TIMEOUT_SECONDS = 60;

/** The body of an inference: latents of one seed, which cost what all others cost. */
function encodeInfer({ count, shape, image }: NonNullable<LoadRequest['infer']>) {
  const { data, shape: extents } = drawLatents(shape, 1, 0, count);
  const latents = { name: 'latents', dtype: 'float32', shape: ['batch', shape.latentSize] } as const;
  const images = { name: 'images', dtype: 'float32', shape: ['batch', ...image] } as const;
  const { body, headers } = encodeRequest(
    [{ info: latents, type: 'FP32' }],
    [{ info: images, type: 'FP32' }],
    { latents: { dtype: 'float32', shape: extents, data } },
    true,
  );
  return { body: Buffer.from(body), headers };
}

let seed = 0;

function toRequest({ method = 'GET', path, infer }: LoadRequest): autocannon.Request {
  if (infer) return { method: 'POST', path, ...encodeInfer(infer) };
  if (!path.includes('{seed}')) return { method, path };
  return {
    method,
    path,
    setupRequest: (request) => ({ ...request, path: path.replace('{seed}', String(seed++)) }),
  };
}

/** What autocannon's own `headers` event brings, whatever its types say. */
interface AnswerHead {
  readonly statusCode: number;
  /** Names and values in turn. */
  readonly headers: readonly string[];
}

async function load({ url, clients, seconds, requests, rate }: LoadOptions): Promise<LoadResult> {
  let silentRefusals = 0;
  let lost = 0;
  const result = await autocannon({
    url,
    connections: clients,
    duration: seconds,
    timeout: TIMEOUT_SECONDS,
    requests: requests.map(toRequest),
    ...(rate === undefined ? {} : { overallRate: rate }),
    setupClient: (client) => {
      // autocannon connects again after a connection that ended, and does not count that as an error.
      let isWaiting = false;
      (client as EventEmitter).on('request', () => {
        if (isWaiting) lost++;
        isWaiting = true;
      });
      client.on('response', () => {
        isWaiting = false;
      });
      client.on('headers', (head: unknown) => {
        const { statusCode, headers } = head as AnswerHead;
        const says = headers.some((name, i) => i % 2 === 0 && name.toLowerCase() === 'retry-after');
        if (statusCode === 503 && !says) silentRefusals++;
      });
    },
  });
  const statuses = Object.entries(result.statusCodeStats ?? {}).map(
    ([status, { count = 0 }]) => [status, count] as const,
  );
  const { p50, p99, max } = result.latency;
  return {
    seconds: result.duration,
    answered: statuses.reduce((sum, [, count]) => sum + count, 0),
    lost,
    statuses: Object.fromEntries(statuses),
    silentRefusals,
    latency: { p50, p99, max },
  };
}

process.stdout.write(JSON.stringify(await load(readOptions<LoadOptions>())));
