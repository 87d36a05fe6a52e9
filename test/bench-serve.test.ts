/**
 * The parts of the server benchmark that could be wrong in silence: what the load program sends and how it counts what
 * comes back, here from a server that refuses and breaks off on purpose. Speeds are nobody's business here.
 */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { LoadOptions, LoadResult } from '../bench/serve/load.js';
import { runProgram } from '../bench/serve/run-program.js';
import { measureGrowth } from '../bench/serve/soak.js';

const KINDS = ['fine', 'refused', 'silent', 'broken'] as const;
const counts = { fine: 0, refused: 0, silent: 0, broken: 0 };
const paths = new Set<string>();
const bodies: { head: string; size: number }[] = [];
let server: Server;
let url: string;
/** Which answers come in turn. */
let kinds: readonly (typeof KINDS)[number][] = KINDS;

beforeAll(async () => {
  let turn = 0;
  server = createServer(async (request, response) => {
    const body = await buffer(request);
    const length = Number(request.headers['inference-header-content-length'] ?? 0);
    if (length > 0) bodies.push({ head: body.subarray(0, length).toString(), size: body.length - length });
    paths.add(request.url!);
    const kind = kinds[turn++ % kinds.length]!;
    counts[kind]++;
    if (kind === 'broken') return request.socket.destroy();
    const headers: Record<string, string> = kind === 'refused' ? { 'retry-after': '1' } : {};
    return response.writeHead(kind === 'fine' ? 200 : 503, headers).end('answer');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(() => server.close());

const load = (options: Omit<LoadOptions, 'url'>): Promise<LoadResult> =>
  runProgram('load.js', { url, ...options }, new URL('../dist/', import.meta.url));

it('counts answers by status, refusals without Retry-After, and connections that broke', async () => {
  const result = await load({ clients: 3, seconds: 1, requests: [{ path: '/samples/{seed}.png' }] });
  const { fine, refused, silent, broken } = counts;
  expect(fine).toBeGreaterThan(10);
  // The tool leaves when its time is up: of what the server has answered, at most one a client is not read any more.
  const read = (wanted: number, got: number | undefined): void => {
    expect(got).toBeLessThanOrEqual(wanted);
    expect(got).toBeGreaterThanOrEqual(wanted - 3);
  };
  read(fine, result.statuses['200']);
  read(refused + silent, result.statuses['503']);
  read(silent, result.silentRefusals);
  read(broken, result.lost);
  expect(result.answered).toBe(result.statuses['200']! + result.statuses['503']!);
  expect(paths.size).toBeGreaterThan(10);
});

it('sends latents as bytes behind the JSON, and keeps to a rate', async () => {
  kinds = ['fine'];
  const shape = { latentSize: 5, latentDistribution: 'normal' } as const;
  const infer = { count: 3, shape, image: [4, 4, 1] };
  const result = await load({ clients: 1, seconds: 2, rate: 20, requests: [{ path: '/infer', infer }] });
  expect(result.answered).toBeGreaterThan(10);
  // autocannon counts anew with each second that begins.
  expect(result.answered).toBeLessThanOrEqual(20 * (Math.floor(result.seconds) + 1));
  expect(result.latency.p99).toBeGreaterThanOrEqual(result.latency.p50);
  expect(bodies[0]!.size).toBe(3 * 5 * 4);
  expect(JSON.parse(bodies[0]!.head)).toEqual({
    inputs: [
      { name: 'latents', shape: [3, 5], datatype: 'FP32', parameters: { binary_data_size: 3 * 5 * 4 } },
    ],
    outputs: [{ name: 'images', parameters: { binary_data: true } }],
  });
});

it('tells growth of the second half from a step in the first', () => {
  const looks = (pick: (i: number) => number) =>
    Array.from({ length: 100 }, (_, i) => ({ atSeconds: i, residentMiB: pick(i), descriptors: 0 }));
  const resident = (values: ReturnType<typeof looks>) =>
    measureGrowth(values, ({ residentMiB }) => residentMiB);
  expect(resident(looks((i) => (i < 30 ? i : 30)))).toBe(0);
  expect(resident(looks((i) => 2 * i))).toBe(80);
});
