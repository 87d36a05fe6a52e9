/**
 * Runs on a remote server that go wrong: feeds that cannot be run or sent, waits, cut connections, and answers that are
 * not what was asked for. The server is real; the broken answers are written in its place.
 */
import type { ServerResponse } from 'node:http';
import onnxProto from 'onnx-proto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { GanError } from '../src/core/errors.js';
import type { Session } from '../src/core/types.js';
import { startInferenceServer } from './support/inference-server.js';
import { encodeModel } from './support/onnx-model.js';
import { failureOf, openAt, sendJson, takeOver } from './support/remote-session.js';
import { drawLatents, encodeSmallGenerator } from './support/small-generator.js';

const model = encodeSmallGenerator(7);
const plain = await startInferenceServer(false);
const binary = await startInferenceServer(true);
const every = [plain, binary];

afterAll(async () => {
  for (const server of every) await server.close();
});
afterEach(() => {
  for (const server of every) server.intercept = () => false;
});

describe('a run', () => {
  it('gives the words of a server that cannot run the feeds', async () => {
    const sum = encodeModel({
      inputs: { a: ['float32', ['n']], b: ['float32', ['m']] },
      outputs: { c: ['float32', [-1]] },
      nodes: [['Add', ['a', 'b'], ['c']]],
    });
    for (const server of every) {
      const session = await openAt(server, sum);
      const feed = (size: number) =>
        ({ shape: [size], dtype: 'float32', data: new Float32Array(size) }) as const;
      expect(await failureOf(session.run({ a: feed(2), b: feed(3) }))).toMatchObject({
        code: 'BAD_ARGUMENT',
        message: expect.stringMatching(/HTTP 400: .*Add node/),
      });
      const { c } = await session.run({ a: feed(3), b: feed(1) });
      expect(c?.shape).toEqual([3]);
      const place = { c: feed(2) };
      expect((await failureOf(session.run({ a: feed(3), b: feed(3) }, place))).message).toMatch(
        /shape \[3\], got/,
      );
      await session.dispose();
    }
  });

  it('carries half precision as bytes, rounded to the nearest', async () => {
    const decoded = onnxProto.onnx.ModelProto.decode(
      encodeModel({
        inputs: { x: ['float32', ['n']] },
        outputs: { y: ['float32', ['n']] },
        nodes: [['Identity', ['x'], ['y']]],
      }),
    );
    for (const { type } of [...decoded.graph!.input!, ...decoded.graph!.output!])
      type!.tensorType!.elemType = 10;
    const halves = onnxProto.onnx.ModelProto.encode(decoded).finish();
    const session = await openAt(binary, halves);
    expect(session.inputs).toEqual([{ name: 'x', dtype: 'float32', shape: ['n'] }]);
    const data = Float32Array.of(0.1, -1, 1e-7, 65504, 1e6, -0, 2 ** -24);
    const { y } = await session.run({ x: { shape: [7], dtype: 'float32', data } });
    const near = [0.0999755859375, -1, 2 ** -23, 65504, Number.POSITIVE_INFINITY, -0, 2 ** -24];
    expect(y).toEqual({ shape: [7], dtype: 'float32', data: Float32Array.from(near) });
    await session.dispose();
    expect(
      await failureOf(
        openAt(plain, halves).then((one) =>
          one.run({ x: { shape: [1], dtype: 'float32', data: data.slice(0, 1) } }),
        ),
      ),
    ).toMatchObject({
      message: expect.stringMatching(/HTTP 400: FP16 has no form in JSON/),
    });
  });

  it('carries what is not finite as bytes, and refuses to write it as JSON', async () => {
    const same = encodeModel({
      inputs: { x: ['float32', ['n']] },
      outputs: { y: ['float32', ['n']] },
      nodes: [['Identity', ['x'], ['y']]],
    });
    const data = Float32Array.of(1, Number.NaN, Number.NEGATIVE_INFINITY);
    const feeds = { x: { shape: [3], dtype: 'float32', data } } as const;
    const whole = await openAt(binary, same);
    expect((await whole.run(feeds)).y?.data).toEqual(data);
    await whole.dispose();
    const session = await openAt(plain, same);
    expect(await failureOf(session.run(feeds))).toMatchObject({
      code: 'BAD_ARGUMENT',
      message: expect.stringMatching(/`x` of finite values, since the server takes JSON alone, got `NaN`/),
    });
    const bare =
      '{"outputs": [{"name": "y", "shape": [3], "datatype": "FP32", "data": [NaN, -Infinity, 1.5]}]}';
    takeOver(plain, '/infer', (response) => sendJson(response, bare));
    const { y } = await session.run({ x: { ...feeds.x, data: new Float32Array(3) } });
    expect(y?.data).toEqual(Float32Array.of(Number.NaN, Number.NEGATIVE_INFINITY, 1.5));
    await session.dispose();
  });

  it('waits no longer than it should, and ends with its session', async () => {
    const session = await openAt(plain, model, { timeoutMs: 150 });
    takeOver(plain, '/infer', () => undefined);
    expect(await failureOf(session.run({ latents: drawLatents(1) }))).toMatchObject({
      code: 'RUNTIME_UNAVAILABLE',
      message: expect.stringMatching(/no whole answer within 0\.15 s/),
    });
    await session.dispose();
    const patient = await openAt(plain, model);
    const run = failureOf(patient.run({ latents: drawLatents(1) }));
    while (!plain.requests.at(-1)!.endsWith('/infer')) await new Promise((resolve) => setTimeout(resolve, 5));
    await patient.dispose();
    expect((await run).message).toMatch(/disposed/);
  });

  it('tries once more when a kept connection turns out to be closed, and not for ever', async () => {
    const session = await openAt(plain, model);
    let cuts = 0;
    plain.intercept = ({ url, socket }) => {
      if (!url!.endsWith('/infer') || cuts++ > 0) return false;
      socket.destroy();
      return true;
    };
    const latents = drawLatents(1);
    expect((await session.run({ latents })).images?.shape).toEqual([1, 8, 8, 2]);
    takeOver(plain, '/infer', (_, { socket }) => socket.destroy());
    const before = plain.requests.length;
    expect((await failureOf(session.run({ latents }))).code).toBe('RUNTIME_UNAVAILABLE');
    expect(plain.requests.length - before).toBe(2);
    await session.dispose();
  });

  it('does not take half an answer for a whole one', async () => {
    const session = await openAt(plain, model);
    takeOver(plain, '/infer', (response) => {
      response.writeHead(200, { 'content-length': 1000 });
      response.write('{"outputs": [');
      setTimeout(() => response.destroy(), 20);
    });
    expect(await failureOf(session.run({ latents: drawLatents(1) }))).toMatchObject({
      code: 'RUNTIME_UNAVAILABLE',
      message: expect.stringMatching(/an answer that broke off/),
    });
    await session.dispose();
  });
});

describe('an answer that is not what was asked for', () => {
  const right = { name: 'images', datatype: 'FP32', shape: [1, 8, 8, 2] };
  const data = new Array<number>(128).fill(0.5);
  const nested = [Array.from({ length: 8 }, () => Array.from({ length: 8 }, () => [0.5, 0.5]))];
  let session: Session;
  beforeAll(async () => {
    session = await openAt(plain, model);
  });
  afterAll(() => session.dispose());

  const answerWith = async (answer: (response: ServerResponse) => void): Promise<GanError> => {
    takeOver(plain, '/infer', answer);
    return await failureOf(session.run({ latents: drawLatents(1) }));
  };

  it.each<[string, unknown, RegExp]>([
    ['no JSON', '<html>', /answer to be JSON/],
    ['no object', 'null', /to have outputs, got `null`/],
    ['no outputs', {}, /to have outputs/],
    ['an output that is nothing', { outputs: [null] }, /to have outputs/],
    ['another output', { outputs: [{ ...right, name: 'pictures', data }] }, /`images`, got `pictures`/],
    ['another type', { outputs: [{ ...right, datatype: 'FP64', data }] }, /`images` as FP32, got `FP64`/],
    [
      'another batch',
      { outputs: [{ ...right, shape: [2, 8, 8, 2], data }] },
      /shape \[1, 8, 8, 2\], got `\[2,8,8,2\]`/,
    ],
    ['no shape', { outputs: [{ ...right, shape: null, data }] }, /shape \[1, 8, 8, 2\], got `null`/],
    ['too few values', { outputs: [{ ...right, data: data.slice(1) }] }, /with 128 values, got `127`/],
    ['no values', { outputs: [right] }, /with 128 values, got `0`/],
    [
      'no number',
      { outputs: [{ ...right, data: data.with(3, null as unknown as number) }] },
      /to hold FP32 alone, got `null`/,
    ],
    [
      'a word',
      { outputs: [{ ...right, data: data.with(3, '0.5' as unknown as number) }] },
      /to hold FP32 alone, got `0\.5`/,
    ],
    [
      'bytes that did not come',
      { outputs: [{ ...right, parameters: { binary_data_size: 512 } }] },
      /within the 0 bytes that came, got `512`/,
    ],
  ])('is refused: %s', async (_, answer, message) => {
    const error = await answerWith((response) => sendJson(response, answer));
    expect(error.code).toBe('RUNTIME_UNAVAILABLE');
    expect(error.message).toMatch(/^\[open-inference\] Expected the server's /);
    expect(error.message).toMatch(message);
  });

  it.each<[string, string, number, RegExp]>([
    ['beyond the end', '900', 512, /within its \d+ bytes, got `900`/],
    ['that is no number', 'half', 512, /within its \d+ bytes, got `half`/],
    ['with too few bytes behind', '', 511, /within the 511 bytes that came, got `512`/],
    ['with too many bytes behind', '', 513, /to have 512 bytes of tensors, got `513`/],
  ])('is refused: JSON %s', async (_, length, bytes, message) => {
    const json = JSON.stringify({ outputs: [{ ...right, parameters: { binary_data_size: 512 } }] });
    const error = await answerWith((response) => {
      response.writeHead(200, { 'inference-header-content-length': length || json.length });
      response.end(Buffer.concat([Buffer.from(json), Buffer.alloc(bytes)]));
    });
    expect(error.message).toMatch(message);
  });

  it('is told from one that nests its values, and from an error page', async () => {
    takeOver(plain, '/infer', (response) => sendJson(response, { outputs: [{ ...right, data: nested }] }));
    const { images } = await session.run({ latents: drawLatents(1) });
    expect(images?.data).toEqual(Float32Array.from(data));
    const error = await answerWith((response) => sendJson(response, '<h1>Bad\n Gateway</h1>', 502));
    expect(error).toMatchObject({
      code: 'RUNTIME_UNAVAILABLE',
      message: expect.stringMatching(/HTTP 502: <h1>Bad Gateway/),
    });
  });
});
