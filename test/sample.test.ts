/** Latents and generators, on real sessions. */
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GanError } from '../src/core/errors.js';
import type { GeneratorMetadata } from '../src/core/metadata.js';
import { randomWords } from '../src/core/philox.js';
import { plainTensor } from '../src/core/tensor.js';
import { createGenerator, type Generator } from '../src/sample/generator.js';
import { drawLatents } from '../src/sample/latents.js';
import { walkLatents } from '../src/sample/walk-latents.js';
import { encodeTinyGenerator, METADATA, openSession, type TinyOptions } from './support/sample-model.js';

const NORMAL = { latentSize: 100, latentDistribution: 'normal' } as const;
const UNIFORM = { latentSize: 10, latentDistribution: 'uniform' } as const;

const opened: Generator[] = [];

async function open(options: TinyOptions = {}): Promise<Generator> {
  const session = await openSession(encodeTinyGenerator(options));
  const generator = createGenerator(session, options.metadata ?? METADATA);
  opened.push(generator);
  return generator;
}

afterAll(async () => {
  for (const generator of opened) await generator.dispose();
});

describe('latents', () => {
  it('are the stream whose checksum the README states', () => {
    const latents = drawLatents(NORMAL, 0, 0, 10_000);
    expect(latents.shape).toEqual([10_000, 100]);
    expect(createHash('sha256').update(new Uint8Array(latents.data.buffer)).digest('hex')).toBe(
      '9597386f73999e425edf523ed99bb2e23cd4c7d27d3f25c5921fa5795de22114',
    );
  });

  it.each([NORMAL, UNIFORM])('have the same bits however they are cut: $latentDistribution', (shape) => {
    const whole = drawLatents(shape, 5, 0, 50).data;
    for (const [from, count] of [
      [0, 1],
      [7, 3],
      [13, 37],
      [49, 1],
    ] as const) {
      const part = drawLatents(shape, 5, from, count).data;
      expect([...part]).toEqual([
        ...whole.subarray(from * shape.latentSize, (from + count) * shape.latentSize),
      ]);
    }
  });

  it('are uniform on (-√3, √3), which has variance 1', () => {
    const { data } = drawLatents(UNIFORM, 1, 0, 20_000);
    const bound = Math.sqrt(3);
    expect(data.every((value) => Math.abs(value) <= bound)).toBe(true);
    expect(Math.max(...data.subarray(0, 50_000))).toBeGreaterThan(0.999 * bound);
    const variance = data.reduce((sum, value) => sum + value * value, 0) / data.length;
    // Five standard errors: the variance of x² is 4/5.
    expect(Math.abs(variance - 1)).toBeLessThan(5 * Math.sqrt(0.8 / data.length));
    const words = randomWords(1, 'latents', 0, 10);
    const first = Array.from(words, (word) => Math.fround((2 * ((word + 0.5) / 2 ** 32) - 1) * bound));
    for (const [i, value] of first.entries()) expect(data[i]).toBeCloseTo(value, 6);
  });

  it('are uniform between the bounds that a file states', () => {
    const { data } = drawLatents({ ...UNIFORM, latentRange: [0, 1] }, 1, 0, 1000);
    const usual = drawLatents(UNIFORM, 1, 0, 1000).data;
    const bound = Math.sqrt(3);
    data.forEach((value, i) => {
      expect(value).toBeCloseTo((usual[i]! / bound + 1) / 2, 6);
    });
  });

  it('go far along the stream', () => {
    const far = drawLatents(NORMAL, 3, 2 ** 45, 2).data;
    expect(far.every((value) => Number.isFinite(value))).toBe(true);
    expect([...far.subarray(100)]).toEqual([...drawLatents(NORMAL, 3, 2 ** 45 + 1, 1).data]);
  });

  it.each([
    [0, 0, 0, /count .*got `0`/],
    [0, 0, Number.NaN, /count .*got `NaN`/],
    [0, -1, 1, /sample numbers .*got `-1`/],
    [0, 2 ** 52, 1, /sample numbers/],
    [-1, 0, 1, /seed/],
  ])('refuse seed %d, from %d, count %d', (seed, from, count, message) => {
    expect(() => drawLatents(NORMAL, seed, from, count)).toThrow(message);
  });
});

describe('a generator', () => {
  let generator: Generator;
  beforeAll(async () => {
    generator = await open();
  });

  it('says what runs it', () => {
    expect([generator.runtime, generator.device]).toEqual(['onnxruntime-node', 'cpu']);
  });

  it('draws the same samples at every batch size', async () => {
    const whole = await generator.sample({ seed: 9, count: 23 });
    expect(whole.images.shape).toEqual([23, 6, 5, 3]);
    expect(new Set(whole.images.data).size).toBeGreaterThan(1000);
    for (const batch of [1, 5, 22, 23, 1000]) {
      const again = await generator.sample({ seed: 9, count: 23, batch });
      expect(again.latents).toEqual(whole.latents);
      expect(again.images).toEqual(whole.images);
    }
  });

  it('draws from any sample on', async () => {
    const whole = await generator.sample({ seed: 2, count: 12, batch: 4 });
    const part = await generator.sample({ seed: 2, from: 4, count: 8, batch: 4 });
    expect(part.from).toBe(4);
    expect([...part.images.data]).toEqual([...whole.images.data.subarray(4 * 90)]);
    expect([...part.latents.data]).toEqual([...whole.latents.data.subarray(4 * 7)]);
  });

  it('streams batches that the caller may keep', async () => {
    const kept = [];
    for await (const part of generator.stream({ seed: 4, count: 150, from: 3 })) {
      kept.push({ part, copy: [...part.images.data] });
    }
    expect(kept.map(({ part }) => [part.from, part.images.shape[0]])).toEqual([
      [3, 64],
      [67, 64],
      [131, 22],
    ]);
    for (const { part, copy } of kept) expect([...part.images.data]).toEqual(copy);
    const whole = await generator.sample({ seed: 4, count: 150, from: 3 });
    expect(kept.flatMap(({ copy }) => copy)).toEqual([...whole.images.data]);
  });

  it('draws from truncated latents, which it hands out as they were used', async () => {
    const whole = await generator.sample({ seed: 9, count: 3 });
    const half = await generator.sample({ seed: 9, count: 3, truncation: 0.5 });
    expect([...half.latents.data]).toEqual([...whole.latents.data.map((value) => value * 0.5)]);
    expect([...half.images.data]).toEqual([...(await generator.run(half.latents)).data]);
    const none = await generator.sample({ seed: 9, count: 2, truncation: 0 });
    expect([...none.images.data.subarray(90)]).toEqual([...none.images.data.subarray(0, 90)]);
    expect(await generator.sample({ seed: 9, count: 3, truncation: 1 })).toEqual(whole);
  });

  it('draws sample 0 of each of several seeds', async () => {
    const seeds = [9, 2, 2 ** 53 - 1, 9, 0];
    const { from, latents, images } = await generator.sample({ seeds, batch: 2, truncation: 0.7 });
    expect([from, latents.shape, images.shape]).toEqual([0, [5, 7], [5, 6, 5, 3]]);
    for (const [i, seed] of seeds.entries()) {
      const one = await generator.sample({ seed, truncation: 0.7 });
      expect([...latents.data.subarray(i * 7, (i + 1) * 7)]).toEqual([...one.latents.data]);
      expect([...images.data.subarray(i * 90, (i + 1) * 90)]).toEqual([...one.images.data]);
    }
    const places = [];
    for await (const part of generator.stream({ seeds, batch: 2 })) places.push(part.from);
    expect(places).toEqual([0, 2, 4]);
  });

  it.each(['slerp', 'lerp', undefined] as const)('walks from seed to seed by %s', async (method) => {
    const ends = await generator.sample({ seeds: [3, 8], truncation: 0.9 });
    const rowOf = (i: number) => plainTensor(ends.latents.data.slice(i * 7, (i + 1) * 7), [1, 7]);
    const walk = await generator.interpolate({
      from: 3,
      to: 8,
      steps: 100,
      method,
      truncation: 0.9,
      batch: 7,
    });
    expect(walk.latents).toEqual(walkLatents(METADATA, rowOf(0), rowOf(1), 100, method));
    expect(walk.images).toEqual(await generator.run(walk.latents));
    expect([...walk.images.data.subarray(0, 90), ...walk.images.data.subarray(99 * 90)]).toEqual([
      ...ends.images.data,
    ]);
    expect(walk).not.toHaveProperty('labels');
  });

  it.each([
    [{ from: 1, to: 2, steps: 1 }, /steps that is a whole number from 2, got `1`/],
    [{ from: 1, to: 2, steps: 1e9 }, /at most 5965232 steps/],
    [{ from: -1, to: 2, steps: 3 }, /a seed .*got `-1`/],
    [{ from: 1, to: 0.5, steps: 3 }, /a seed .*got `0.5`/],
    [{ from: 1, to: 2, steps: 3, method: 'line' as 'lerp' }, /slerp or lerp, got `line`/],
    [{ from: 1, to: 2, steps: 3, truncation: 2 }, /a truncation/],
    [{ from: 1, to: 2, steps: 3, label: 0 }, /no label/],
  ])('refuses a walk of %j', async (options, message) => {
    await expect(generator.interpolate(options)).rejects.toThrow(message);
  });

  it('gives NHWC whatever the file holds', async () => {
    const metadata: GeneratorMetadata = { ...METADATA, layout: 'nchw' };
    const session = await openSession(encodeTinyGenerator({ metadata }));
    const latents = drawLatents(metadata, 1, 0, 3);
    const raw = (await session.run({ latents })).images!; // [3, 3, 6, 5]
    const { shape, data } = await createGenerator(session, metadata).run(latents);
    expect(shape).toEqual([3, 6, 5, 3]);
    for (let n = 0; n < 3; n++)
      for (let y = 0; y < 6; y++)
        for (let x = 0; x < 5; x++)
          for (let c = 0; c < 3; c++) {
            expect(data[((n * 6 + y) * 5 + x) * 3 + c]).toBe(raw.data[((n * 3 + c) * 6 + y) * 5 + x]);
          }
    await session.dispose();
  });

  it.each([
    [{ count: 0 }, /Expected a count that is a whole number from 1, got `0`/],
    [{ count: Number.NaN }, /got `NaN`/],
    [{ count: 2.5 }, /got `2.5`/],
    [{ count: Number.POSITIVE_INFINITY }, /got `Infinity`/],
    [{ from: -1 }, /a first sample .*got `-1`/],
    [{ seed: 0.1 }, /a seed .*got `0.1`/],
    [{ batch: 0 }, /a batch .*got `0`/],
    [{ from: 2 ** 53 - 2 }, /a last sample/],
    [{ truncation: -0.1 }, /a truncation from 0 to 1, got `-0.1`/],
    [{ truncation: 1.5 }, /got `1.5`/],
    [{ truncation: Number.NaN }, /got `NaN`/],
    [{ seeds: [] }, /at least one seed, got `\[\]`/],
    [{ seeds: [1, -2] }, /a seed .*got `-2`/],
    [{ seeds: [1], count: 1 }, /no count beside seeds, got `1`/],
    [{ seeds: [1], from: 4 }, /no from beside seeds/],
    [{ label: 0 }, /no label for a generator without classes, got `0`/],
    [{ count: 1e9 }, /at most 5965232 samples at once \(2 GiB\), got `1000000000`. .*stream\(\).*--out-dir/],
    [{ count: 1e9, batch: 1e9 }, /a batch of at most 5965232/],
  ])('refuses %j', async (options, message) => {
    const error = await generator.sample(options).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(GanError);
    expect(error).toMatchObject({ code: 'BAD_ARGUMENT', message: expect.stringMatching(message) });
  });

  it('streams a billion as soon as it is asked, and refuses bad options before the first batch', async () => {
    for await (const { images } of generator.stream({ count: 1e9, batch: 8 })) {
      expect(images.shape[0]).toBe(8);
      break;
    }
    expect(() => generator.stream({ count: 0 })).toThrow(GanError);
  });

  it.each([[[1, 6]], [[0, 7]], [[7]]])('refuses latents of shape %j', async (shape) => {
    const latents = plainTensor(new Float32Array(shape.reduce((a, b) => a * b, 1)), shape);
    await expect(generator.run(latents)).rejects.toThrow(/Expected float32 latents \[n, 7\]/);
  });

  it('stops when it is told to', async () => {
    const controller = new AbortController();
    const reason = new Error('enough');
    let batches = 0;
    const draw = async () => {
      for await (const _ of generator.stream({ count: 1000, batch: 10, signal: controller.signal })) {
        if (++batches === 3) controller.abort(reason);
      }
    };
    await expect(draw()).rejects.toBe(reason);
    expect(batches).toBe(3);
    await expect(generator.sample({ signal: controller.signal })).rejects.toBe(reason);
    const late = new AbortController();
    const running = generator.sample({ count: 100, batch: 100, signal: late.signal });
    late.abort(reason);
    await expect(running).rejects.toBe(reason);
  });

  it('runs no more once it is disposed', async () => {
    const gone = await open();
    await gone.dispose();
    await gone.dispose();
    await expect(gone.sample()).rejects.toThrow(GanError);
    let kept: Generator;
    {
      await using short = await open();
      kept = short;
      expect((await short.sample()).images.shape[0]).toBe(1);
    }
    await expect(kept.sample()).rejects.toThrow(GanError);
  });

  it.each<[string, TinyOptions, Partial<GeneratorMetadata>, RegExp]>([
    [
      'another latent size',
      {},
      { latentSize: 8 },
      /input latents float32 \[n, 8\].*got `latents float32 \[batch, 7\]`/,
    ],
    ['another image shape', {}, { imageShape: [6, 5, 1] }, /output images float32 \[n, 6, 5, 1\]/],
    ['another layout', {}, { layout: 'nchw' }, /output images float32 \[n, 3, 6, 5\]/],
    ['one more input', { extraInput: 'labels' }, {}, /only input, got `latents .*labels/],
  ])('refuses a file with %s than its metadata', async (_, options, change, message) => {
    const session = await openSession(encodeTinyGenerator(options));
    expect(() => createGenerator(session, { ...METADATA, ...change })).toThrow(message);
    await session.dispose();
  });
});
