/**
 * What goes wrong with `ganx/web`: files, devices and workers that fail are said by code, and the next generator loads.
 * In a real Chromium, by the prebuilt bundle. Needs a built `dist`.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import type { Page } from '../src/browser/chromium.js';
import { GanError } from '../src/core/errors.js';
import { packError, unpackError } from '../src/web/messages.js';
import { encodeLabelledGenerator } from './support/labelled-generator.js';
import { encodeTinyGenerator } from './support/sample-model.js';
import { differ, drawInNode, makeSites, runInPage } from './support/web-page.js';
import { POLICY } from './support/web-site.js';

const openSite = makeSites();
let file: Uint8Array;

beforeAll(async () => {
  file = await encodeLabelledGenerator(1);
});

describe('what goes wrong', () => {
  const failureOf = (page: Page, source: string, options = '{}') =>
    runInPage<{ code: string; message: string }>(
      page,
      `const { code, message } = await ganx.loadGenerator(${source}, ${options}).then(() => ({}), (error) => error);
      return { code, message };`,
    );

  it('is said by code, and the next file loads', async (context) => {
    const { page, site } = await openSite(context, file);
    site.files.set('/cut.onnx', file.subarray(0, file.length / 2));
    site.files.set('/wrong.onnx', encodeTinyGenerator());
    expect(await failureOf(page, "'missing.onnx'")).toEqual({
      code: 'IO',
      message: expect.stringMatching(/^\[http:.*\/missing\.onnx\] Expected .*`HTTP 404 Not Found`/),
    });
    expect(await failureOf(page, "'http://127.0.0.1:9/generator.onnx'")).toMatchObject({ code: 'IO' });
    expect(await failureOf(page, "'cut.onnx'")).toMatchObject({ code: 'BAD_MODEL_FILE' });
    expect(await failureOf(page, "'page.js'")).toMatchObject({ code: 'BAD_MODEL_FILE' });
    // Its golden sample is not what it draws: no device computes it rightly.
    expect(await failureOf(page, "'wrong.onnx'")).toMatchObject({
      code: 'BAD_MODEL_FILE',
      message: expect.stringContaining('golden sample'),
    });
    expect(await failureOf(page, "'models/generator.onnx'", "{ device: 'cuda' }")).toMatchObject({
      code: 'BAD_ARGUMENT',
    });
    expect(await failureOf(page, "'models/generator.onnx'", "{ device: 'webgpu' }")).toMatchObject({
      code: 'RUNTIME_UNAVAILABLE',
    });
    expect(
      await failureOf(page, "'models/generator.onnx'", "{ device: 'wasm', assets: 'nowhere' }"),
    ).toMatchObject({
      code: 'RUNTIME_UNAVAILABLE',
    });
    expect(await failureOf(page, "'models/generator.onnx'")).toEqual({});
  });

  it('is a worker that the policy refuses', async (context) => {
    const { page } = await openSite(context, file, {
      policy: POLICY.replace("worker-src 'self'", "worker-src 'none'"),
    });
    expect(await failureOf(page, "'models/generator.onnx'")).toMatchObject({
      code: 'RUNTIME_UNAVAILABLE',
      message: expect.stringContaining("worker-src 'self'"),
    });
  });

  it('is a worker that dies: all who wait hear of it, and the next one lives', async (context) => {
    const fault = `addEventListener('message', ({ data }) => {
      if (data.request?.options?.seed === 13) setTimeout(() => { throw new RangeError('Out of memory'); });
    });`;
    const { page } = await openSite(context, file, {
      alter: (path, script) => (path === '/ganx-worker.js' ? `${script}\n${fault}` : script),
    });
    const result = await runInPage<{ messages: string[]; images: number[] }>(
      page,
      `const load = () => ganx.loadGenerator('models/generator.onnx', { device: 'wasm' });
      const generator = await load();
      const all = [{ seed: 13, count: 1e5 }, { seed: 1 }].map((options) => generator.sample(options));
      const ends = await Promise.allSettled(all);
      const after = await generator.sample().catch((error) => error);
      return {
        messages: [...ends.map(({ reason }) => reason.code + reason.message), after.code + after.message],
        images: [...(await (await load()).sample({ count: 1 })).images.data],
      };`,
    );
    expect(result.messages).toEqual(
      Array(3).fill(
        expect.stringMatching(/^RUNTIME_UNAVAILABLE\[worker\] .*Out of memory.* Load the generator again\.$/),
      ),
    );
    expect(differ(result.images, await drawInNode(file, { count: 1 }))).toBeLessThan(1e-5);
  });
});

describe('an error on its way to the page', () => {
  it('keeps code, place and message', () => {
    const error = new GanError('BAD_ARGUMENT', 'sample', 'Expected a count, got `0`.');
    const packed = packError(error);
    expect(packed.isFatal).toBe(false);
    expect(unpackError(structuredClone(packed))).toMatchObject({
      code: error.code,
      where: error.where,
      message: error.message,
    });
    expect(unpackError(packError(new TypeError('odd')))).toMatchObject({ code: 'RUNTIME_UNAVAILABLE' });
  });

  it('is fatal when WebAssembly broke off below it', () => {
    // (module (func (export "f") unreachable))
    const bytes = [
      0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 7, 5, 1, 1, 102, 0, 0, 10, 5, 1, 3, 0, 0,
      11,
    ];
    const { f } = new WebAssembly.Instance(new WebAssembly.Module(Uint8Array.from(bytes))).exports as {
      f(): void;
    };
    let cause: unknown;
    try {
      f();
    } catch (error) {
      cause = error;
    }
    expect(cause).toBeInstanceOf(WebAssembly.RuntimeError);
    expect(packError(new GanError('BAD_ARGUMENT', 'run', 'Expected feeds.', { cause })).isFatal).toBe(true);
  });
});
