/**
 * Many requests at once: one and the same picture whatever it was batched with, a queue that ends, deadlines, clients
 * that go away, threads that die. A run that waits long for more images stands for a model that is busy.
 */
import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Worker } from 'node:worker_threads';
import { beforeAll, describe, expect, it } from 'vitest';
import { makeWorkplace } from './support/cli.js';
import { encodeLabelledGenerator } from './support/labelled-generator.js';
import { readMetric, startServe, stopServe } from './support/serve.js';
import { encodeGoldenGenerator, encodeSlowGenerator } from './support/served-model.js';

const folder = makeWorkplace();

beforeAll(async () => {
  writeFileSync(join(folder, 'plain.onnx'), await encodeGoldenGenerator());
  writeFileSync(join(folder, 'labelled.onnx'), await encodeLabelledGenerator(3));
  writeFileSync(join(folder, 'slow.onnx'), encodeSlowGenerator(1024));
});

const bytesOf = async (url: string): Promise<string> => {
  const response = await fetch(url);
  if (response.status !== 200) throw new Error(`${url}: ${response.status}`);
  return Buffer.from(await response.arrayBuffer()).toString('base64');
};

/** Waits for what comes about by itself. */
async function waitFor(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await sleep(10);
}

describe('a batch', () => {
  it('changes no picture: 1,000 times the same seed among other traffic', async () => {
    const server = await startServe(['labelled.onnx', '--max-queue', '4096', '--log-level', 'warn'], folder);
    const seen = new Set<string>();
    let other = 0;
    const work = async (client: number): Promise<void> => {
      for (let i = client; i < 1000; i += 32) {
        const noise = [
          bytesOf(`${server.url}/samples/${i}.png?label=${i % 3}`),
          ...(i % 5 === 0 ? [bytesOf(`${server.url}/samples.png?count=${1 + (i % 40)}&seed=${i}`)] : []),
        ];
        seen.add(await bytesOf(`${server.url}/samples/42.png?label=1`));
        const { length } = await Promise.all(noise);
        other += length;
      }
    };
    await Promise.all(Array.from({ length: 32 }, (_, client) => work(client)));
    expect(seen.size).toBe(1);
    expect(other).toBe(1200);
    const runs = await readMetric(server.url, 'ganx_batch_images_count{model="labelled"}');
    const images = await readMetric(server.url, 'ganx_batch_images_sum{model="labelled"}');
    // There were batches, or this test has shown nothing.
    expect(images).toBeGreaterThan(2 * runs);
    const alone = await startServe(['labelled.onnx', '--max-batch', '1', '--workers', '1'], folder);
    expect(seen).toEqual(new Set([await bytesOf(`${alone.url}/samples/42.png?label=1`)]));
    const sheet = '/samples.png?count=30&seed=5';
    expect(await bytesOf(`${alone.url}${sheet}`)).toBe(await bytesOf(`${server.url}${sheet}`));
    await Promise.all([stopServe(server), stopServe(alone)]);
  });
});

describe('a queue', () => {
  it('that is full refuses at once and says when to come again; what was accepted is answered', async () => {
    const line = ['plain.onnx', '--max-wait', '1000000', '--max-queue', '8', '--workers', '1'];
    const server = await startServe(line, folder);
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, seed) => fetch(`${server.url}/samples/${seed}.png`)),
    );
    const codes = answers.map(({ status }) => status);
    expect(codes.filter((code) => code === 200)).toHaveLength(8);
    expect(codes.filter((code) => code === 503)).toHaveLength(12);
    for (const answer of answers.filter(({ status }) => status === 503)) {
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
      expect(answer.headers.get('cache-control')).toBe('no-store');
      expect(await answer.json()).toEqual({ error: expect.stringContaining('8 images') });
    }
    expect(await readMetric(server.url, 'ganx_batch_images_sum{model="plain"}')).toBe(8);
    await waitFor(async () => (await readMetric(server.url, 'ganx_accepted_images')) === 0);
    expect((await fetch(`${server.url}/samples/1.png`)).status).toBe(200);
    await stopServe(server);
  });

  it('ends what waits beyond its deadline, and runs it no more', async () => {
    const line = ['plain.onnx', '--max-wait', '1000000', '--deadline', '150', '--workers', '1'];
    const server = await startServe(line, folder);
    const late = await fetch(`${server.url}/samples/1.png`);
    expect({ status: late.status, ...((await late.json()) as object) }).toEqual({
      status: 503,
      error: expect.stringContaining('nothing was begun'),
    });
    expect(late.headers.get('retry-after')).toBe('1');
    await sleep(1100);
    expect(await readMetric(server.url, 'ganx_batch_images_count{model="plain"}')).toBe(0);
    await stopServe(server);
  });

  it('forgets a client that went away', async () => {
    const server = await startServe(['plain.onnx', '--max-wait', '1000000', '--workers', '1'], folder);
    const socket = connect(server.port, '127.0.0.1');
    socket.write('GET /samples.png?count=5 HTTP/1.1\r\nHost: a\r\n\r\n');
    await waitFor(async () => (await readMetric(server.url, 'ganx_queue_images')) === 5);
    socket.destroy();
    await waitFor(async () => (await readMetric(server.url, 'ganx_queue_images')) === 0);
    expect(await readMetric(server.url, 'ganx_accepted_images')).toBe(0);
    await sleep(1100);
    expect(await readMetric(server.url, 'ganx_batch_images_count{model="plain"}')).toBe(0);
    await stopServe(server);
  });
});

describe('a slow model', () => {
  it('answers 504 to what it began and did not end in time, and 200 to the health checks meanwhile', async () => {
    const server = await startServe(['slow.onnx', '--deadline', '20', '--workers', '1'], folder);
    const slow = fetch(`${server.url}/samples/1.png`);
    expect((await fetch(`${server.url}/v2/health/live`)).status).toBe(200);
    const { status } = await slow;
    expect(status).toBe(504);
    await stopServe(server);
  });
});

describe('threads', () => {
  it('that are killed under load are replaced, and every request is answered', async () => {
    const workers: Worker[] = [];
    const note = (worker: Worker): void => void workers.push(worker);
    process.on('worker', note);
    const { createServer } = (await import(
      new URL('../dist/src/serve/index.js', import.meta.url).href
    )) as typeof import('../src/serve/index.js');
    const models = { plain: join(folder, 'plain.onnx') };
    const server = await createServer({ models, load: { device: 'cpu', workers: 2 } });
    const url = await server.listen('127.0.0.1', 0);
    const seen = new Map<number, string>();
    const codes: number[] = [];
    let isOver = false;
    const ask = async (client: number): Promise<void> => {
      for (let i = 0; i < 40; i++) {
        const seed = (client * 40 + i) % 50;
        const response = await fetch(`${url}/samples/${seed}.png`);
        codes.push(response.status);
        const bytes = Buffer.from(await response.arrayBuffer()).toString('base64');
        expect(seen.get(seed) ?? bytes).toBe(bytes);
        seen.set(seed, bytes);
      }
    };
    const kill = async (): Promise<number> => {
      let killed = 0;
      for (let at = 0; !isOver && at < workers.length && killed < 6; at++, killed++) {
        // Spread over the whole, however fast the machine is.
        while (codes.length < 80 * (killed + 1) && !isOver) await sleep(1);
        await workers[at]!.terminate();
      }
      return killed;
    };
    const killing = kill();
    await Promise.all(Array.from({ length: 16 }, (_, client) => ask(client)));
    isOver = true;
    expect(await killing).toBeGreaterThan(2);
    expect(codes).toHaveLength(640);
    expect(new Set(codes)).toEqual(new Set([200]));
    await server.close();
    process.off('worker', note);
  });
});
