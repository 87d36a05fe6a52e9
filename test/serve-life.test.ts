/**
 * The life of a server: files that are replaced under it, its end under load, clients that send slowly, too much, or
 * nonsense; and the same routes as a plugin in a server of somebody's own.
 */
import { once } from 'node:events';
import { renameSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fastify } from 'fastify';
import { beforeAll, describe, expect, it } from 'vitest';
import { makeWorkplace } from './support/cli.js';
import { readMetric, readToEnd, type Served, startServe, stopServe } from './support/serve.js';
import { encodeGoldenGenerator, encodeSlowGenerator } from './support/served-model.js';

const folder = makeWorkplace();

/** Puts a file in the place of another, as a deployment does it. */
function replaceFile(name: string, bytes: Uint8Array): void {
  writeFileSync(join(folder, `.${name}`), bytes);
  renameSync(join(folder, `.${name}`), join(folder, name));
}

beforeAll(async () => {
  writeFileSync(join(folder, 'plain.onnx'), await encodeGoldenGenerator());
  writeFileSync(join(folder, 'slow.onnx'), encodeSlowGenerator(1024));
});

const loadServe = async () =>
  (await import(
    new URL('../dist/src/serve/index.js', import.meta.url).href
  )) as typeof import('../src/serve/index.js');

interface Facts {
  readonly versions: readonly string[];
}

const versionOf = async ({ url }: Served, model: string): Promise<string> => {
  const { versions } = (await (await fetch(`${url}/v2/models/${model}`)).json()) as Facts;
  return versions[1]!;
};

describe('a file that is replaced', () => {
  it('is served once it draws its golden sample, and not before', async () => {
    replaceFile('changing.onnx', await encodeGoldenGenerator({ seed: 1 }));
    const server = await startServe(['changing.onnx', '--reload-every', '50', '--workers', '1'], folder);
    const picture = async () => {
      const response = await fetch(`${server.url}/samples/1.png`);
      return {
        bytes: Buffer.from(await response.arrayBuffer()).toString('base64'),
        headers: response.headers,
      };
    };
    const waitForLog = async (text: string, times: number): Promise<void> => {
      while (server.log().split(text).length <= times) await sleep(20);
    };
    const [first, version] = [await picture(), await versionOf(server, 'changing')];
    const pinned = `${server.url}${first.headers.get('content-location')}`;

    replaceFile('changing.onnx', new TextEncoder().encode('no model'));
    await waitForLog('new model file refused', 1);
    replaceFile('changing.onnx', (await encodeGoldenGenerator({ seed: 2 })).subarray(0, 900));
    await waitForLog('new model file refused', 2);
    replaceFile('changing.onnx', await encodeGoldenGenerator({ seed: 2, damage: 0.2 }));
    await waitForLog('new model file refused', 3);
    expect(server.log()).toContain('off by');
    expect(await versionOf(server, 'changing')).toBe(version);
    expect((await picture()).bytes).toBe(first.bytes);

    replaceFile('changing.onnx', await encodeGoldenGenerator({ seed: 2 }));
    await waitForLog('model reloaded', 1);
    const second = await picture();
    expect(second.bytes).not.toBe(first.bytes);
    expect(second.headers.get('etag')).not.toBe(first.headers.get('etag'));
    expect(await versionOf(server, 'changing')).not.toBe(version);
    expect((await fetch(pinned)).status).toBe(404);
    const stale = { 'if-none-match': first.headers.get('etag')! };
    expect((await fetch(`${server.url}/samples/1.png`, { headers: stale })).status).toBe(200);
    const taken = 'ganx_model_reloads_total{model="changing",result="taken"}';
    expect(await readMetric(server.url, taken)).toBe(1);
    expect(await stopServe(server)).toBe(0);
  });

  it('leaves requests under way to the old one', async () => {
    replaceFile('moving.onnx', encodeSlowGenerator(1536));
    const line = ['moving.onnx', '--reload-every', '50', '--workers', '1', '--max-batch', '1'];
    const server = await startServe(line, folder);
    const version = await versionOf(server, 'moving');
    const body = JSON.stringify({
      inputs: [{ name: 'latents', shape: [12, 7], datatype: 'FP32', data: Array(84).fill(0.5) }],
    });
    const request = fetch(`${server.url}/v2/models/moving/infer`, { method: 'POST', body });
    while ((await readMetric(server.url, 'ganx_runs_active')) === 0) await sleep(1);
    replaceFile('moving.onnx', await encodeGoldenGenerator());
    while (!server.log().includes('model reloaded')) await sleep(5);
    const answer = (await (await request).json()) as {
      model_version: string;
      outputs: { shape: number[] }[];
    };
    expect(answer.model_version).toBe(version);
    expect(answer.outputs[0]!.shape).toEqual([12, 6, 5, 3]);
    expect((await fetch(`${server.url}/samples/1.png`)).status).toBe(200);
    expect(await stopServe(server)).toBe(0);
  });
});

describe('the end', () => {
  it('under load loses nothing that was accepted', async () => {
    const server = await startServe(['plain.onnx'], folder);
    let good = 0;
    const failures: string[] = [];
    const work = async (client: number): Promise<void> => {
      for (let seed = client; ; seed += 16) {
        try {
          // A connection for each request: one that is kept open may be closed before a request is read.
          const response = await fetch(`${server.url}/samples/${seed}.png`, {
            headers: { connection: 'close' },
          });
          const bytes = await response.arrayBuffer();
          if (response.status === 200 && bytes.byteLength > 60) good += 1;
          else failures.push(String(response.status));
        } catch (error) {
          const { code } = (error as { cause: { code: string } }).cause;
          if (!['ECONNREFUSED', 'ECONNRESET'].includes(code)) failures.push(code);
          return;
        }
      }
    };
    const working = Array.from({ length: 16 }, (_, client) => work(client));
    while (good < 200) await sleep(1);
    const code = await stopServe(server);
    await Promise.all(working);
    expect({ code, failures }).toEqual({ code: 0, failures: [] });
    const answered = server
      .log()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
      .filter(({ msg }) => msg === 'request');
    // All that the server took note of has reached its client.
    expect(answered.map(({ status }) => status).filter((status) => status !== 200)).toEqual([]);
    expect(answered).toHaveLength(good);
  });

  it('answers what is under way, says so beforehand, and takes its leave of kept connections', async () => {
    const line = ['slow.onnx', '--workers', '1', '--max-batch', '1', '--notice', '2000'];
    const server = await startServe(line, folder);
    const kept = connect(server.port, '127.0.0.1');
    const requests = [1, 2, 3, 4].map((seed) => fetch(`${server.url}/samples/${seed}.png`));
    while ((await readMetric(server.url, 'ganx_accepted_images')) < 4) await sleep(1);
    const ended = stopServe(server);
    let ready = 200;
    while (ready === 200) ready = (await fetch(`${server.url}/v2/health/ready`)).status;
    expect(ready).toBe(503);
    kept.write('GET /v2/health/live HTTP/1.1\r\nHost: a\r\n\r\n');
    expect(await readToEnd(kept)).toMatch(/^HTTP\/1\.1 200 OK\r\n[\s\S]*connection: close/i);
    expect((await Promise.all(requests)).map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expect(await ended).toBe(0);
  });

  it('comes at once with the second signal', async () => {
    replaceFile('long.onnx', encodeSlowGenerator(1024));
    const server = await startServe(['long.onnx', '--workers', '1', '--max-batch', '1'], folder);
    const waiting = fetch(`${server.url}/samples.png?count=200`).then(
      ({ status }) => status,
      () => 'cut',
    );
    while ((await readMetric(server.url, 'ganx_accepted_images')) < 200) await sleep(1);
    server.child.kill('SIGINT');
    while (!server.stderr().includes('again to end at once')) await sleep(1);
    server.child.kill('SIGINT');
    const { code, signal } = await server.ended;
    // By the signal, which a shell tells as 130.
    expect({ code, signal, answer: await waiting }).toEqual({ code: null, signal: 'SIGINT', answer: 'cut' });
  });
});

describe('a connection', () => {
  const open = async (port: number): Promise<Socket> => {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    return socket;
  };

  it('that sends its headers or its body too slowly is closed', async () => {
    const { createServer } = await loadServe();
    const server = await createServer({
      ...{ models: { plain: join(folder, 'plain.onnx') }, load: { device: 'cpu', workers: 1 } },
      ...{ headersTimeoutMs: 300, requestTimeoutMs: 600 },
    });
    const { port } = new URL(await server.listen('127.0.0.1', 0));
    const [headers, body, fine] = [await open(+port), await open(+port), await open(+port)];
    const drip = setInterval(() => headers.writable && headers.write('x'), 50);
    headers.write('GET / HTTP/1.1\r\nHost: a\r\nX-Slow: ');
    body.write('POST /v2/models/plain/infer HTTP/1.1\r\nHost: a\r\nContent-Length: 500\r\n\r\n{');
    fine.write('GET /samples/1.png HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    expect(await readToEnd(fine)).toMatch(/^HTTP\/1\.1 200 /);
    expect(await readToEnd(headers)).toMatch(/^HTTP\/1\.1 408 [\s\S]*\{"error":"Request Timeout"\}$/);
    clearInterval(drip);
    expect(await readToEnd(body)).toMatch(/^HTTP\/1\.1 408 /);
    await server.close();
  });

  it('that does not read its answer is cut at the deadline', async () => {
    const line = ['plain.onnx', '--workers', '1', '--max-count', '8192', '--max-queue', '8192'];
    const server = await startServe([...line, '--deadline', '6000'], folder);
    const latents = new Uint8Array(8192 * 7 * 4);
    const parameters = { binary_data_size: latents.length };
    const head = JSON.stringify({
      inputs: [{ name: 'latents', shape: [8192, 7], datatype: 'FP32', parameters }],
    });
    const socket = await open(server.port);
    socket.write(
      `POST /v2/models/plain/infer HTTP/1.1\r\nHost: a\r\nContent-Length: ${head.length + latents.length}`,
    );
    socket.write(`\r\nInference-Header-Content-Length: ${head.length}\r\n\r\n${head}`);
    socket.write(latents);
    const accepted = () => readMetric(server.url, 'ganx_accepted_images');
    while ((await accepted()) === 0) await sleep(5);
    while ((await accepted()) > 0) await sleep(50);
    // More than lies in the buffers between the two, which are all that it gets.
    const text = await readToEnd(socket);
    const [, length] = /content-length: (\d+)/i.exec(text) ?? [];
    expect(text).toMatch(/^HTTP\/1\.1 200 /);
    expect(text.length).toBeLessThan(Number(length));
    expect(await stopServe(server)).toBe(0);
  });

  it('that sends too much is refused before it has sent it', async () => {
    const server = await startServe(['plain.onnx', '--workers', '1'], folder);
    const ask = async (head: string, chunk = ''): Promise<string> => {
      const socket = await open(server.port);
      const answer = readToEnd(socket);
      socket.write(`${head}\r\nHost: a\r\n\r\n`);
      // As a client that means to send it all and does not listen.
      for (let i = 0; chunk !== '' && socket.writable && i < 10_000; i++) {
        if (!socket.write(chunk))
          await new Promise((resolve) => socket.once('drain', resolve).once('close', resolve));
      }
      return await answer;
    };
    const infer = 'POST /v2/models/plain/infer HTTP/1.1';
    const chunk = `10000\r\n${'x'.repeat(65_536)}\r\n`;
    const before = await readMetric(server.url, 'process_resident_memory_bytes');
    expect(await ask(`${infer}\r\nContent-Length: 1073741824`)).toMatch(/^HTTP\/1\.1 413 /);
    // A client that goes on sending may see the end of the connection before it sees the answer.
    expect(await ask(`${infer}\r\nTransfer-Encoding: chunked`, chunk)).toMatch(/^(?:HTTP\/1\.1 413 |$)/);
    expect(await ask('POST /nowhere HTTP/1.1\r\nContent-Length: 1073741824')).toMatch(/^HTTP\/1\.1 404 /);
    expect(await ask('GET /samples/1.png HTTP/1.1\r\nContent-Length: 1073741824')).toMatch(
      /^HTTP\/1\.1 400 /,
    );
    expect(await ask(`GET / HTTP/1.1\r\nX-Large: ${'x'.repeat(20_000)}`)).toMatch(/^HTTP\/1\.1 431 /);
    expect(await ask(`GET /?${'x'.repeat(3000)} HTTP/1.1\r\nConnection: close`)).toMatch(/^HTTP\/1\.1 414 /);
    expect((await readMetric(server.url, 'process_resident_memory_bytes')) - before).toBeLessThan(100e6);
    expect((await fetch(`${server.url}/samples/1.png`)).status).toBe(200);
    await stopServe(server);
  });
});

describe('the plugin', () => {
  it("lives in somebody's own server, below a prefix, beside other routes", async () => {
    const { ganxServe } = await loadServe();
    const app = fastify();
    app.get('/hello', () => 'hello');
    await app.register(ganxServe, {
      ...{ prefix: '/gan', models: { plain: join(folder, 'plain.onnx') } },
      ...{ load: { device: 'cpu', workers: 1 }, reloadEveryMs: 0 },
    });
    const url = await app.listen({ host: '127.0.0.1', port: 0 });
    expect(await (await fetch(`${url}/hello`)).text()).toBe('hello');
    for (const path of ['/samples/3.png', '/samples.png?count=2', '/v2/health/ready', '/metrics', '/', ''])
      expect({ path, status: (await fetch(`${url}/gan${path}`)).status }).toEqual({ path, status: 200 });
    const html = await (await fetch(`${url}/gan/`)).text();
    const [, source] = /<img src="([^"]+)"/.exec(html)!;
    expect((await fetch(`${url}${source!.replaceAll('&amp;', '&')}`)).status).toBe(200);
    expect(await (await fetch(`${url}/gan/nowhere`)).json()).toEqual({ error: expect.any(String) });
    expect(await (await fetch(`${url}/nowhere`)).json()).toMatchObject({ statusCode: 404 });
    await app.close();
  });

  it('says what is wrong with its options', async () => {
    const { ganxServe } = await loadServe();
    for (const [options, part] of [
      [{ models: {} }, 'at least one model'],
      [{ models: { 'a/b': 'plain.onnx' } }, 'model names'],
      [{ models: { a: 'nowhere.onnx' } }, 'can be read'],
      [{ models: { a: 'plain.onnx' }, maxBatch: 0 }, 'maxBatch'],
    ] as const) {
      const app = fastify();
      await expect(app.register(ganxServe, options).ready()).rejects.toThrow(part);
      await app.close();
    }
  });
});
