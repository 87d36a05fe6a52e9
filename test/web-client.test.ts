/**
 * `ganx/web` as functions, by the prebuilt bundle in a real Chromium under a strict policy: what is drawn, how a file
 * is loaded, kept and cancelled. Needs a built `dist`.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Page } from '../src/browser/chromium.js';
import { encodeLabelledGenerator } from './support/labelled-generator.js';
import { ADDRESS, differ, drawInNode, makeSites, runInPage } from './support/web-page.js';
import { SITE } from './support/web-site.js';

const openSite = makeSites();
let file: Uint8Array;
let otherFile: Uint8Array;

beforeAll(async () => {
  file = await encodeLabelledGenerator(1);
  otherFile = await encodeLabelledGenerator(2);
});

describe('the bundle', () => {
  const scripts = () => readdirSync(SITE).filter((name) => name.endsWith('.js'));

  it('is at most 40 kB for a page, compressed, and nothing of TensorFlow.js or Node', () => {
    expect(scripts()).toEqual(expect.arrayContaining(['ganx.js', 'ganx-worker.js']));
    const sizeOf = (name: string) => gzipSync(readFileSync(join(SITE, name))).length;
    // The page that `ganx embed` writes, and a page of somebody's own.
    for (const script of ['app.js', 'ganx.js']) {
      expect(sizeOf(script) + sizeOf('ganx-worker.js')).toBeLessThanOrEqual(40_000);
    }
    for (const name of scripts()) {
      expect(readFileSync(join(SITE, name), 'utf8')).not.toMatch(
        /@tensorflow\/|tfjs|(?:[}\w*]\s*from|\bimport)\s*["'](?!\.\/)|require\(/,
      );
    }
  });
});

describe('a generator in a worker', () => {
  it('draws what Node draws, class by class, and tells how far loading is', async (context) => {
    const { site, page } = await openSite(context, file);
    const result = await runInPage<Record<string, never>>(
      page,
      `const progress = [];
      const generator = await ganx.loadGenerator('models/generator.onnx', {
        device: 'wasm',
        onProgress: (now) => progress.push(now),
      });
      const { images, latents, labels } = await generator.sample({ count: 5, seed: 7, from: 2, batch: 2 });
      const owls = await generator.sample({ count: 2, seed: 7, label: 2, truncation: 0.5 });
      const again = await generator.run(latents, labels);
      return {
        progress, shape: images.shape, images: [...images.data], owls: [...owls.images.data],
        labels: [...labels], again: [...again.data],
        about: { ...generator, metadata: generator.metadata.model },
      };`,
    );
    const wanted = await drawInNode(file, { count: 5, seed: 7, from: 2 });
    expect(result.shape).toEqual([5, 10, 8, 3]);
    // The tolerance of WebAssembly in the README.
    expect(differ(result.images!, wanted)).toBeLessThan(1e-5);
    expect(differ(result.again!, wanted)).toBeLessThan(1e-5);
    expect(
      differ(result.owls!, await drawInNode(file, { count: 2, seed: 7, label: 2, truncation: 0.5 })),
    ).toBeLessThan(1e-5);
    expect(result.labels).toEqual([2, 0, 1, 2, 0]);
    const { progress } = result as unknown as { progress: { phase: string; loadedBytes: number }[] };
    expect(progress[0]).toEqual({ phase: 'download', loadedBytes: 0, totalBytes: file.length });
    expect(progress.at(-2)).toEqual({ phase: 'download', loadedBytes: file.length, totalBytes: file.length });
    expect(progress.at(-1)).toMatchObject({ phase: 'open', loadedBytes: file.length });
    expect(result.about).toMatchObject({
      metadata: 'labelled',
      runtime: 'onnxruntime-web',
      device: 'wasm',
      engine: 'wasm, 1 thread',
      refused: [
        {
          runtime: 'ganx-wasm',
          device: 'wasm',
          reason: expect.stringMatching(/one input.*Take onnxruntime-web/),
        },
      ],
      labelled: true,
      sizeBytes: file.length,
    });
    expect(page.complaints).toEqual([]);
    // The build for WebAssembly alone: the larger one for WebGPU stays where it is.
    expect(site.answers.filter((line) => /ort/.test(line)).sort()).toEqual([
      '/ort/ort-wasm-simd-threaded.mjs 200',
      '/ort/ort-wasm-simd-threaded.wasm 200',
      '/ort/ort.wasm.min.mjs 200',
    ]);
  });

  it('draws on WebGPU when asked for it, and by itself only where a GPU does the work', async (context) => {
    const { site, page } = await openSite(context, file, { webgpu: true });
    if (page.webgpu === 'none') {
      const reason = 'This Chromium has no WebGPU, not even in software.';
      if (process.env.GANX_REQUIRE?.split(',').includes('onnxruntime-web/webgpu in Chromium')) {
        throw new Error(reason);
      }
      context.skip(reason);
    }
    const result = await runInPage<{ images: number[]; engine: string; device: string; refused: unknown[] }>(
      page,
      `const generator = await ganx.loadGenerator('models/generator.onnx', { device: 'webgpu' });
      const { images } = await generator.sample({ count: 5, seed: 7 });
      const { device, refused } = await ganx.loadGenerator('models/generator.onnx');
      return { images: [...images.data], engine: generator.engine, device, refused };`,
    );
    // The tolerance of WebGPU in the README.
    expect(differ(result.images, await drawInNode(file, { count: 5, seed: 7 }))).toBeLessThan(1e-4);
    expect(result.engine).toMatch(/^webgpu \(native/);
    expect(site.answers).toContain('/ort/ort.webgpu.min.mjs 200');
    if (page.webgpu === 'software') {
      expect(result.device).toBe('wasm');
      expect(result.refused).toEqual([
        {
          runtime: 'onnxruntime-web',
          device: 'webgpu',
          reason: expect.stringContaining('computes on the CPU'),
        },
        { runtime: 'ganx-wasm', device: 'wasm', reason: expect.stringContaining('one input') },
      ]);
    } else expect(result).toMatchObject({ device: 'webgpu', refused: [] });
  });

  it('takes files and bytes, and uses threads in an isolated page', async (context) => {
    const { page } = await openSite(context, file, { isolated: true });
    const result = await runInPage<{ sums: number[][]; engines: string[] }>(
      page,
      `const bytes = new Uint8Array(await (await fetch('models/generator.onnx')).arrayBuffer());
      const sources = [bytes, new File([bytes], 'other.onnx'), new URL('models/generator.onnx', location.href)];
      const sums = [];
      const engines = [];
      for (const source of sources) {
        const generator = await ganx.loadGenerator(source, { device: 'wasm', threads: 2 });
        sums.push([...(await generator.sample({ count: 3 })).images.data]);
        engines.push(generator.engine);
        await generator.dispose();
      }
      return { sums, engines, left: bytes.length };`,
    );
    const wanted = await drawInNode(file, { count: 3 });
    for (const images of result.sums) expect(differ(images, wanted)).toBeLessThan(1e-5);
    expect(result.engines).toEqual(Array(3).fill('wasm, 2 threads'));
    expect(page.complaints).toEqual([]);
  });

  it('answers in order, while the page goes on, and refuses what is out of range without an end', async (context) => {
    const { page } = await openSite(context, file);
    const result = await runInPage<{ order: string[]; ticks: number }>(
      page,
      `const generator = await ganx.loadGenerator('models/generator.onnx', { device: 'wasm' });
      let ticks = 0;
      const clock = setInterval(() => ticks++, 1);
      const order = [];
      await Promise.all([
        generator.sample({ count: 20000 }).then(() => order.push('many')),
        generator.sample({ count: -1 }).catch((error) => order.push(error.code + ' ' + (error instanceof ganx.GanError))),
        generator.sample({ count: 1 }).then(() => order.push('one')),
      ]);
      clearInterval(clock);
      return { order, ticks };`,
    );
    expect(result.order).toEqual(['many', 'BAD_ARGUMENT true', 'one']);
    expect(result.ticks).toBeGreaterThan(3);
  });
});

describe('a file that is loaded again', () => {
  const load = `const generator = await ganx.loadGenerator('models/generator.onnx', OPTIONS);
    const { images } = await generator.sample({ count: 1 });
    await generator.dispose();
    const cache = await caches.open('ganx');
    return { images: [...images.data], kept: (await cache.keys()).length };`;
  const loadWith = (page: Page, options: string) =>
    runInPage<{ images: number[]; kept: number }>(
      page,
      load.replace('OPTIONS', `{ device: 'wasm', ${options} }`),
    );

  it('is not sent again while it is the same, and one version is kept', async (context) => {
    const { site, page } = await openSite(context, file);
    const first = await loadWith(page, '');
    const second = await loadWith(page, '');
    expect(second).toEqual(first);
    site.files.set(ADDRESS, otherFile);
    const third = await loadWith(page, '');
    expect(differ(third.images, await drawInNode(otherFile, { count: 1 }))).toBeLessThan(1e-5);
    expect(differ(first.images, await drawInNode(file, { count: 1 }))).toBeLessThan(1e-5);
    expect([first.kept, second.kept, third.kept]).toEqual([1, 1, 1]);
    site.files.delete(ADDRESS);
    await expect(loadWith(page, '')).rejects.toThrow('HTTP 404');
    expect(site.answers.filter((line) => line.startsWith(ADDRESS))).toEqual(
      [200, 304, 200, 404].map((status) => `${ADDRESS} ${status}`),
    );
  });

  it('is sent again when nothing may be kept', async (context) => {
    const { site, page } = await openSite(context, file);
    expect((await loadWith(page, 'cache: false')).kept).toBe(0);
    expect((await loadWith(page, 'cache: false')).kept).toBe(0);
    expect(page.complaints).toEqual([]);
    expect(site.answers.filter((line) => line.startsWith(ADDRESS)).length).toBe(2);
  });

  it('is loaded without caches where a page has none', async (context) => {
    const addresses = Object.values(networkInterfaces()).flatMap((all) => all ?? []);
    const host = addresses.find(({ family, internal }) => family === 'IPv4' && !internal)?.address;
    if (host === undefined) return context.skip('This machine has no address besides its own.');
    // Browsers trust this machine's own address, no other one without https.
    const { page } = await openSite(context, file, { host });
    expect(await page.evaluate('isSecureContext')).toBe(false);
    const images = await runInPage<number[]>(
      page,
      `const generator = await ganx.loadGenerator('models/generator.onnx', { device: 'wasm' });
      return [...(await generator.sample({ count: 2 })).images.data];`,
    );
    expect(differ(images, await drawInNode(file, { count: 2 }))).toBeLessThan(1e-5);
  });
});

describe('cancelling', () => {
  it('ends a download', async (context) => {
    const { site, page } = await openSite(context, file);
    site.stuck.add(ADDRESS);
    const reason = await runInPage<string>(
      page,
      `const canceller = new AbortController();
      const onProgress = ({ loadedBytes }) => { if (loadedBytes > 0) canceller.abort(); };
      return ganx.loadGenerator('models/generator.onnx', { signal: canceller.signal, onProgress }).catch((error) => error.name);`,
    );
    expect(reason).toBe('AbortError');
    await expect.poll(() => site.cutOff).toEqual([ADDRESS]);
  });

  it('ends drawing between two batches, and the generator draws on', async (context) => {
    const { page } = await openSite(context, file);
    const result = await runInPage<{ reason: string; images: number[] }>(
      page,
      `const generator = await ganx.loadGenerator('models/generator.onnx', { device: 'wasm' });
      const canceller = new AbortController();
      setTimeout(() => canceller.abort(new Error('enough')), 5);
      // It would take minutes.
      const reason = await generator.sample({ count: 2e6, batch: 1, signal: canceller.signal }).catch((error) => error.message);
      const early = await generator.sample({ signal: AbortSignal.abort('before') }).catch((reason) => reason);
      return { reason, early, images: [...(await generator.sample({ count: 1 })).images.data] };`,
    );
    expect(result).toMatchObject({ reason: 'enough', early: 'before' });
    expect(differ(result.images, await drawInNode(file, { count: 1 }))).toBeLessThan(1e-5);
  });
});
