/**
 * The runtime for remote servers through the conformance suite, against a real server that speaks JSON alone and one
 * that speaks bytes too; and what it makes of servers that are absent, not ready, or hold another model. MLServer, an
 * implementation from elsewhere, is the judge where `GANX_MLSERVER_PYTHON` names a Python that has it.
 */
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { openInference } from '../runtimes/open-inference.js';
import type { Runtime } from '../src/core/types.js';
import { createGenerator, makeGolden } from '../src/sample/index.js';
import { expectRefusal, ganx, ganxOk, makeWorkplace } from './support/cli.js';
import { startInferenceServer } from './support/inference-server.js';
import { mlserverPython, startMlserver } from './support/mlserver.js';
import { encodeModel } from './support/onnx-model.js';
import { failureOf, openAt, sendJson, takeOver } from './support/remote-session.js';
import { encodeTinyGenerator, METADATA, openSession } from './support/sample-model.js';
import { computeImages, drawLatents, encodeSmallGenerator } from './support/small-generator.js';
import { testRuntime } from './support/test-runtime.js';

const VARIABLE = 'GANX_OPEN_INFERENCE_URL';
const device = 'remote';
const model = encodeSmallGenerator(7);
const servers = { JSON: await startInferenceServer(false), bytes: await startInferenceServer(true) };
const every = Object.values(servers);
const { JSON: plain, bytes: binary } = servers;

afterAll(async () => {
  for (const server of every) await server.close();
});
afterEach(() => {
  vi.unstubAllEnvs();
  for (const server of every) server.intercept = () => false;
});

for (const [format, server] of Object.entries(servers)) {
  describe(`tensors as ${format}`, async () => {
    vi.stubEnv(VARIABLE, server.addressOf(model));
    const open: Runtime['open'] = (bytes, options) =>
      openInference.open(bytes, { ...options, url: server.addressOf(bytes) });
    await testRuntime({ ...openInference, open }, device);
  });
}

describe('a server', () => {
  it('is named by the environment, or by nobody', async () => {
    expect(await openInference.probe(device)).toEqual({
      ok: false,
      reason: expect.stringMatching(/^No server is named: set GANX_OPEN_INFERENCE_URL.*generator\.$/),
    });
    expect(await failureOf(openInference.open(model, { device }))).toMatchObject({
      code: 'RUNTIME_UNAVAILABLE',
      message: expect.stringContaining(VARIABLE),
    });
    vi.stubEnv(VARIABLE, plain.addressOf(model));
    expect(await openInference.probe(device)).toEqual({ ok: true, detail: '2.7.1' });
    const session = await openInference.open(model, { device });
    expect(session.engine).toBe('ganx-test, tensors as JSON');
    await session.dispose();
  });

  it.each([
    'localhost:8000',
    'ftp://localhost/v2/models/generator',
    'http://localhost:8000/v2',
    'http://localhost:8000/v2/models/',
    'http://localhost:8000/v2/models/generator/infer',
    'http://localhost:8000/v2/models/generator?x=1',
    'http://ada:lovelace@localhost:8000/models/generator',
  ])('is not %s', async (url) => {
    const { code, message } = await failureOf(openInference.open(model, { device, url }));
    expect(code).toBe('BAD_ARGUMENT');
    expect(message).toMatch(/Expected the URL of a model such as \S+, got `\S+`\.$/);
    expect(message).not.toContain('lovelace');
  });

  it('takes a version of the model, and a slash at the end', async () => {
    plain.requests.length = 0;
    const session = await openAt(plain, model, { url: `${plain.addressOf(model)}/versions/1/` });
    const latents = drawLatents(1);
    const { images } = await session.run({ latents });
    expect(images?.data[5]).toBeCloseTo(computeImages(7, latents)[5]!, 5);
    expect(plain.requests.at(-1)).toMatch(/^POST \/v2\/models\/\w+\/versions\/1\/infer$/);
    await session.dispose();
  });

  it('gets the name and password of the URL, or the token of the environment', async () => {
    const seen: (string | undefined)[] = [];
    plain.intercept = ({ headers }) => seen.push(headers.authorization) === 0;
    const url = plain.addressOf(model);
    await (await openAt(plain, model, { url: url.replace('//', '//ada:love%20lace@') })).dispose();
    vi.stubEnv('GANX_OPEN_INFERENCE_TOKEN', 'secret');
    await (await openAt(plain, model)).dispose();
    const basic = `Basic ${Buffer.from('ada:love lace').toString('base64')}`;
    expect([...new Set(seen)]).toEqual([basic, 'Bearer secret']);
  });

  it('is asked over one connection again and again', async () => {
    const session = await openAt(binary, model);
    const before = binary.connections();
    for (let i = 0; i < 20; i++) await session.run({ latents: drawLatents(1) });
    expect(binary.connections() - before).toBeLessThanOrEqual(1);
    await session.dispose();
  });

  it('that is not there is told apart from one that does not know the model', async () => {
    const free = createServer().listen(0, '127.0.0.1');
    await once(free, 'listening');
    const url = `http://127.0.0.1:${(free.address() as AddressInfo).port}/v2/models/generator`;
    free.close();
    expect(await failureOf(openInference.open(model, { device, url }))).toMatchObject({
      code: 'RUNTIME_UNAVAILABLE',
      message: expect.stringMatching(/to answer, got `ECONNREFUSED`\. Start the server/),
    });
    vi.stubEnv(VARIABLE, url);
    expect(await openInference.probe(device)).toEqual({
      ok: false,
      reason: expect.stringMatching(/^Expected http.* to answer, got `ECONNREFUSED`/),
    });
    const other = plain.addressOf(model).replace(/[^/]+$/, 'portraits');
    expect(await failureOf(openAt(plain, model, { url: other }))).toMatchObject({
      code: 'RUNTIME_UNAVAILABLE',
      message: expect.stringMatching(/HTTP 404: Request for unknown model: 'portraits' is not found/),
    });
  });

  it.each([
    ['by status', 400, { error: 'model is loading' }, /HTTP 400: model is loading/],
    ['by content', 200, { name: 'generator', ready: false }, /got `not ready`/],
  ])('that is not ready %s is refused', async (_, status, json, message) => {
    takeOver(plain, '/ready', (response) => sendJson(response, json, status));
    expect((await failureOf(openAt(plain, model))).message).toMatch(message);
    vi.stubEnv(VARIABLE, plain.addressOf(model));
    expect(await openInference.probe(device)).toMatchObject({ ok: false });
  });

  it('with another model is refused, and both are described', async () => {
    const other = encodeModel({
      inputs: { latents: ['float32', ['batch', 9]] },
      outputs: { images: ['float32', ['batch', 9]] },
      nodes: [['Tanh', ['latents'], ['images']]],
    });
    const narrow = await failureOf(openAt(plain, model, { url: plain.addressOf(other) }));
    expect(narrow.code).toBe('RUNTIME_UNAVAILABLE');
    expect(narrow.message).toMatch(
      /the file's inputs latents: float32 \[batch, 6\], got `latents: FP32 \[-1, 9\]`\. It is another model/,
    );
    const labelled = encodeModel({
      inputs: { latents: ['float32', ['batch', 6]], labels: ['int32', ['batch']] },
      outputs: { images: ['float32', ['batch', 6]] },
      nodes: [['Tanh', ['latents'], ['images']]],
    });
    const more = await failureOf(openAt(plain, model, { url: plain.addressOf(labelled) }));
    expect(more.message).toMatch(/got `latents: FP32 \[-1, 6\], labels: INT32 \[-1\]`/);
  });

  it('that states nothing of its model is believed, and one that states a type of its own is not', async () => {
    const name = plain.addressOf(model).replace(/.*\//, '');
    takeOver(plain, `/${name}`, (response) =>
      sendJson(response, { name, platform: '', inputs: [], outputs: [] }),
    );
    const session = await openAt(plain, model);
    const { images } = await session.run({ latents: drawLatents(2) });
    expect(images?.shape).toEqual([2, 8, 8, 2]);
    await session.dispose();
    const inputs = [{ name: 'latents', datatype: 'FP64', shape: [-1, 6] }];
    takeOver(plain, `/${name}`, (response) => sendJson(response, { name, inputs, outputs: [] }));
    expect((await failureOf(openAt(plain, model))).message).toMatch(
      /`latents` as one of FP32, .*, got `FP64`/,
    );
  });
});

describe('classes', () => {
  const encode = (shape: (string | number)[], flatten: boolean) =>
    encodeModel({
      inputs: { latents: ['float32', ['batch', 2]], labels: ['int32', shape] },
      outputs: { images: ['float32', ['batch', 2]] },
      constants: { vectors: [Float32Array.of(1, 2, 3, 4, 5, 6), [3, 2]], flat: [[-1], [1]] },
      nodes: [
        ...(flatten ? ([['Reshape', ['labels', 'flat'], ['list']]] as const) : []),
        ['Gather', ['vectors', flatten ? 'list' : 'labels'], ['moved'], { axis: 0 }],
        ['Add', ['latents', 'moved'], ['images']],
      ],
    });

  it.each(Object.entries(servers))(
    'travel as the column that Triton makes of them, as %s',
    async (_, server) => {
      const url = server.addressOf(encode(['batch', 1], true));
      const session = await openAt(server, encode(['batch'], false), { url });
      expect(session.inputs[1]).toEqual({ name: 'labels', dtype: 'int32', shape: ['batch'] });
      const { images } = await session.run({
        latents: { dtype: 'float32', shape: [2, 2], data: Float32Array.of(0, 10, 20, 30) },
        labels: { dtype: 'int32', shape: [2], data: Int32Array.of(2, 0) },
      });
      expect([...images!.data]).toEqual([5, 16, 21, 32]);
      await session.dispose();
    },
  );
});

describe('ganx sample --runtime open-inference', () => {
  const folder = makeWorkplace();
  const file = join(folder, 'generator.onnx');
  let bytes: Uint8Array;
  let damaged: Uint8Array;
  beforeAll(async () => {
    const session = await openSession(encodeTinyGenerator());
    const golden = await makeGolden(createGenerator(session, METADATA).run, METADATA);
    await session.dispose();
    const metadata = { ...METADATA, golden };
    bytes = encodeTinyGenerator({ metadata });
    damaged = encodeTinyGenerator({ metadata, damage: 0.5 });
    await writeFile(file, bytes);
  });
  const sampleAt = (url: string, npy: string) =>
    ganx(['sample', file, '-n', '5', '--runtime', 'open-inference', '--url', url, '--npy', npy], folder);

  it.each(Object.entries(servers))(
    'draws what the file draws here, with tensors as %s',
    async (format, server) => {
      const npy = `${format}.npy`;
      const { code, stderr } = await sampleAt(server.addressOf(bytes), npy);
      expect(code, stderr).toBe(0);
      expect(stderr).toMatch(/5 images from open-inference 2\.7\.1 on remote \(ganx-test, tensors as/);
      await ganxOk(['sample', file, '-n', '5', '--device', 'cpu', '--npy', 'here.npy'], folder);
      const [there, here] = await Promise.all([npy, 'here.npy'].map((name) => readFile(join(folder, name))));
      expect(there!.equals(here!)).toBe(true);
    },
  );

  it('refuses a server that has other weights in the same model', async () => {
    expectRefusal(
      await sampleAt(plain.addressOf(damaged), 'x.npy'),
      'open-inference/remote',
      'golden sample wrongly',
    );
  });

  it('says how to name a server', async () => {
    const outcome = await ganx(['sample', file, '--runtime', 'open-inference'], folder);
    expectRefusal(outcome, 'No server is named', VARIABLE);
  });
});

describe('MLServer', () => {
  const inputs = [{ name: 'latents', datatype: 'FP32', shape: [-1, 6] }];
  const outputs = [{ name: 'images', datatype: 'FP32', shape: [-1, 8, 8, 2] }];
  const isRequired = (process.env.GANX_REQUIRE ?? '').split(',').includes('mlserver');

  for (const [title, description] of [
    ['that describes its model', { inputs, outputs }],
    ['that does not', {}],
  ] as const) {
    it(`${title} draws the same`, async ({ skip }) => {
      if (mlserverPython === undefined) {
        expect(isRequired, 'GANX_MLSERVER_PYTHON has to name a Python').toBe(false);
        return skip('GANX_MLSERVER_PYTHON names no Python with MLServer.');
      }
      const server = await startMlserver(model, description);
      try {
        const session = await openInference.open(model, { device, url: server.url });
        expect(session.version).toMatch(/^\d+\.\d+\.\d+$/);
        for (const batch of [1, 5]) {
          const latents = drawLatents(batch);
          const { images } = await session.run({ latents });
          expect(images?.shape).toEqual([batch, 8, 8, 2]);
          const wanted = computeImages(7, latents);
          images!.data.forEach((value, at) => {
            expect(Math.abs(value - wanted[at]!)).toBeLessThan(2e-6);
          });
        }
        vi.stubEnv(VARIABLE, server.url);
        expect(await openInference.probe(device)).toEqual({ ok: true, detail: session.version });
        await session.dispose();
        const other = server.url.replace(/[^/]+$/, 'portraits');
        const { message } = await failureOf(openInference.open(model, { device, url: other }));
        expect(message).toMatch(/HTTP 404: .*portraits/);
      } finally {
        await server.close();
      }
    });
  }
});
