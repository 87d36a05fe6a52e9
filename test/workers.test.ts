/**
 * Generators whose sessions live in threads: the same samples as without, an event loop that stays free, and ends of
 * every kind: a signal, a thread that is killed, the process's own. Needs a built `dist`: threads run JavaScript.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Generator, Samples } from '../src/sample/index.js';
import { encodeLabelledGenerator } from './support/labelled-generator.js';
import { encodeSlowGenerator } from './support/slow-generator.js';

const BUILT = new URL('../dist/src/index.js', import.meta.url);
const { GanError, loadGenerator, toPng } = (await import(BUILT.href)) as typeof import('../src/index.js');

/** A run of 64 samples takes some 100 ms on one core. */
const SLOW = encodeSlowGenerator();
let quick: Uint8Array;
beforeAll(async () => {
  quick = await encodeLabelledGenerator(3);
});

/** Threads of this process that live, in the order of their start. */
const threads = new Set<Worker>();
const notice = (thread: Worker): void => {
  threads.add(thread);
  thread.once('exit', () => threads.delete(thread));
};
process.on('worker', notice);
afterAll(() => void process.off('worker', notice));

/** Opens a generator for one test. */
async function using<T>(
  source: Uint8Array,
  workers: number | undefined,
  test: (generator: Generator) => Promise<T>,
): Promise<T> {
  await using generator = await loadGenerator(source, {
    device: 'cpu',
    ...(workers === undefined ? { threads: 1 } : { workers }),
  });
  return await test(generator);
}

const pngOf = (generator: Generator, { images }: Pick<Samples, 'images'>) =>
  Buffer.from(toPng(images, generator.metadata, { padding: 0, scale: 1 })).toString('base64');

const omitFrom = ({ from: _, ...drawn }: Samples) => drawn;

describe('a generator in threads', () => {
  it('draws what one without draws, by concurrent calls, byte for byte', async () => {
    const wanted = await using(quick, undefined, async (generator) => {
      const pngs: string[] = [];
      for (let seed = 0; seed < 1000; seed++) pngs.push(pngOf(generator, await generator.sample({ seed })));
      return pngs;
    });
    expect(new Set(wanted).size).toBe(1000);
    await using(quick, 2, async (generator) => {
      expect(generator).toMatchObject({ runtime: 'onnxruntime-node', device: 'cpu', labelled: true });
      const drawn = await Promise.all(wanted.map((_, seed) => generator.sample({ seed })));
      expect(drawn.map((samples) => pngOf(generator, samples))).toEqual(wanted);
      const { images } = await generator.sample({ seeds: wanted.map((_, seed) => seed), batch: 37 });
      const each = 10 * 8 * 3;
      const cut = wanted.map((_, i) => ({
        images: { ...images, shape: [1, 10, 8, 3], data: images.data.slice(i * each, (i + 1) * each) },
      }));
      expect(cut.map((samples) => pngOf(generator, samples))).toEqual(wanted);
    });
  });

  it('chooses a device as one without does', async () => {
    const options = { runtime: 'onnxruntime-node', workers: 1 };
    const [own, other] = [await loadGenerator(quick), await loadGenerator(quick, options)];
    expect([other.runtime, other.device, other.refused]).toEqual([own.runtime, own.device, own.refused]);
    await Promise.all([own.dispose(), other.dispose()]);
  });

  it('takes classes', async () => {
    await using(quick, 1, async (generator) => {
      const walk = await generator.interpolate({ from: 1, to: 2, steps: 3, label: 2 });
      expect(walk.labels).toEqual(Int32Array.of(2, 2, 2));
      expect(walk.images).toEqual(await generator.run(walk.latents, walk.labels));
      const plain = await generator.interpolate({ from: 1, to: 2, steps: 2 });
      expect(plain).toEqual(omitFrom(await generator.sample({ seeds: [1, 2] })));
      expect(plain.labels).toEqual(Int32Array.of(0, 0));
      expect((await generator.sample({ seeds: [1, 2], label: [1, 2] })).labels).toEqual(Int32Array.of(1, 2));
      await expect(generator.interpolate({ from: 1, to: 2, steps: 3, label: 3 })).rejects.toThrow(/a label/);
    });
  });

  it('draws with WebAssembly in them as well', async () => {
    const draw = async (options: object) => {
      await using generator = await loadGenerator(quick, {
        runtime: 'onnxruntime-web',
        threads: 1,
        ...options,
      });
      return [generator.engine, pngOf(generator, await generator.sample({ count: 6, seed: 2 }))];
    };
    expect(await draw({ workers: 2 })).toEqual(await draw({}));
  });

  it('divides the cores among them, unless it is told', async () => {
    await using(quick, 2, async ({ workers }) => {
      const each = Math.max(1, Math.floor(availableParallelism() / 2));
      expect(workers?.()).toEqual({ workers: 2, threads: each, busy: 0, queued: 0, replaced: 0 });
    });
    await using generator = await loadGenerator(quick, { device: 'cpu', workers: 1, threads: 3 });
    expect(generator.workers?.().threads).toBe(3);
  });

  it.each([[0], [1.5], [-1], [Number.NaN], [5000]])('refuses %d of them', async (workers) => {
    await expect(loadGenerator(quick, { device: 'cpu', workers })).rejects.toThrow(/workers as a whole/);
    expect(threads.size).toBe(0);
  });

  it('refuses a broken file as one without does, and leaves no thread behind', async () => {
    const broken = Uint8Array.from(quick);
    broken.fill(7, 300, 400);
    const refusal = async (options: object) =>
      await loadGenerator(broken, { device: 'cpu', ...options }).catch((error) => error);
    const [own, other] = [await refusal({}), await refusal({ workers: 2 })];
    expect(other).toBeInstanceOf(GanError);
    expect([other.code, other.message]).toEqual([own.code, own.message]);
    expect(threads.size).toBe(0);
  });

  it('leaves the event loop free while it draws', async () => {
    const longest = async (workers: number | undefined): Promise<number> =>
      await using(SLOW, workers, async (generator) => {
        const delay = monitorEventLoopDelay({ resolution: 1 });
        await sleep(20);
        delay.enable();
        await generator.sample({ count: 256 });
        delay.disable();
        return delay.percentile(99) / 1e6;
      });
    const [blocked, free] = [await longest(undefined), await longest(1)];
    expect(free).toBeLessThan(blocked / 3);
  });

  it('works on several batches of one call at once', async () => {
    await using(SLOW, 2, async (generator) => {
      let most = 0;
      const timer = setInterval(() => {
        most = Math.max(most, generator.workers!().busy);
      }, 2);
      const whole = await generator.sample({ count: 96, batch: 16 });
      clearInterval(timer);
      expect(most).toBe(2);
      expect(whole.images.data).toEqual((await generator.sample({ count: 96, batch: 96 })).images.data);
    });
  });

  it('streams no further ahead than it has threads', async () => {
    await using(quick, 2, async (generator) => {
      let [drawn, before] = [0, 0];
      for await (const part of generator.stream({ count: 1e9, batch: 4096, seed: 1 })) {
        expect(part.from).toBe(4096 * drawn);
        if (++drawn === 10) before = process.memoryUsage().rss;
        if (drawn % 20 === 0) await sleep(20);
        const { busy, queued } = generator.workers!();
        expect(busy + queued).toBeLessThanOrEqual(2);
        if (drawn === 90) break;
      }
      // 80 batches of 4 MB went by; a few wait for the garbage collector.
      expect(process.memoryUsage().rss - before).toBeLessThan(200e6);
      await sleep(50);
      expect(generator.workers!()).toMatchObject({ busy: 0, queued: 0 });
    });
  });
});

describe('a signal', () => {
  it.each([undefined, 1])('ends loading, with %s threads', async (workers) => {
    const reason = new Error('no longer');
    const options = { device: 'cpu', ...(workers === undefined ? {} : { workers }) };
    const [early, late] = [new AbortController(), new AbortController()];
    early.abort(reason);
    await expect(loadGenerator(quick, { ...options, signal: early.signal })).rejects.toBe(reason);
    await expect(loadGenerator('none.onnx', { ...options, signal: early.signal })).rejects.toBe(reason);
    const loading = loadGenerator(quick, { ...options, signal: late.signal });
    late.abort(reason);
    await expect(loading).rejects.toBe(reason);
    expect(threads.size).toBe(0);
  });

  it('ends calls that wait and calls under way at once, and harms no other', async () => {
    await using(SLOW, 1, async (generator) => {
      const wanted = pngOf(generator, await generator.sample({ seed: 5 }));
      const [first, second] = [new AbortController(), new AbortController()];
      const running = generator.sample({ count: 64, signal: first.signal });
      const waiting = generator.sample({ count: 64, signal: second.signal });
      const other = generator.sample({ seed: 5 });
      await sleep(20);
      expect(generator.workers!()).toMatchObject({ busy: 1, queued: 2 });
      const reason = new Error('no longer');
      second.abort(reason);
      await expect(waiting).rejects.toBe(reason);
      expect(generator.workers!()).toMatchObject({ busy: 1, queued: 1 });
      first.abort(reason);
      await expect(running).rejects.toBe(reason);
      // The thread is still at it: nobody waited for it.
      expect(generator.workers!()).toMatchObject({ busy: 1, queued: 1 });
      expect(pngOf(generator, await other)).toBe(wanted);
      expect(generator.workers!()).toMatchObject({ busy: 0, queued: 0, replaced: 0 });
      await expect(generator.sample({ signal: first.signal })).rejects.toBe(reason);
      const { latents } = await generator.sample();
      await expect(generator.run(latents, undefined, first.signal)).rejects.toBe(reason);
    });
  });
});

describe('threads that die', () => {
  it('are replaced, and what they were at is done all the same', async () => {
    await using(SLOW, 2, async (generator) => {
      const wanted = pngOf(generator, await generator.sample({ seed: 5, count: 8 }));
      let isOver = false;
      const clients = Array.from({ length: 6 }, async () => {
        const drawn: string[] = [];
        while (!isOver) drawn.push(pngOf(generator, await generator.sample({ seed: 5, count: 8 })));
        return drawn;
      });
      for (let kills = 0; kills < 6; kills++) {
        await sleep(250);
        const [oldest] = threads;
        await oldest!.terminate();
      }
      isOver = true;
      const drawn = (await Promise.all(clients)).flat();
      expect(new Set(drawn)).toEqual(new Set([wanted]));
      expect(drawn.length).toBeGreaterThan(6);
      expect(generator.workers!()).toMatchObject({ workers: 2, busy: 0, queued: 0, replaced: 6 });
      expect(threads.size).toBe(2);
    });
    expect(threads.size).toBe(0);
  });

  it('fail their calls when none of them lives', async () => {
    await using(quick, 1, async (generator) => {
      const kill = (thread: Worker): void => void thread.once('online', () => void thread.terminate());
      process.on('worker', kill);
      for (const thread of threads) void thread.terminate();
      await expect(generator.sample({ count: 2 })).rejects.toMatchObject({
        code: 'RUNTIME_UNAVAILABLE',
        message: expect.stringMatching(/\[workers\] Expected a worker to answer/),
      });
      process.off('worker', kill);
      expect((await generator.sample({ count: 2 })).images.shape[0]).toBe(2);
    });
  });
});

describe('disposing', () => {
  it('refuses what waits, ends what is under way in peace, and may be done again', async () => {
    const generator = await loadGenerator(SLOW, { device: 'cpu', workers: 1 });
    const running = generator.sample({ count: 64 });
    const waiting = generator.sample({ count: 1 });
    waiting.catch(() => {});
    await sleep(20);
    await Promise.all([generator.dispose(), generator.dispose(), generator[Symbol.asyncDispose]()]);
    expect(threads.size).toBe(0);
    expect((await running).images.shape[0]).toBe(64);
    await expect(waiting).rejects.toThrow(/Expected an open session, got `disposed`/);
    await expect(generator.sample()).rejects.toThrow(/Expected an open session, got `disposed`/);
  });
});

describe('the process', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ganx-workers-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it.each([
    { how: 'by itself', code: 0, end: 'await draw();' },
    { how: 'by exit during a run', code: 3, end: 'draw(); setTimeout(() => process.exit(3), 100);' },
    { how: 'by an error during a run', code: 1, end: "draw(); setTimeout(() => { throw 'up'; }, 100);" },
  ])('ends $how, with nothing disposed', ({ code, end }) => {
    writeFileSync(join(folder, 'generator.onnx'), SLOW);
    const program = `
      import { loadGenerator } from ${JSON.stringify(BUILT.href)};
      const generator = await loadGenerator('generator.onnx', { device: 'cpu', workers: 2 });
      const draw = () => generator.sample({ count: 256 });
      ${end}`;
    const line = ['--input-type=module', '--eval', program];
    const { status, signal } = spawnSync(process.execPath, line, { cwd: folder });
    expect({ status, signal }).toEqual({ status: code, signal: null });
  });
});
