/** Golden samples: made from one real session, checked on another, with the same weights and with damaged ones. */
import { createHash } from 'node:crypto';
import { afterAll, describe, expect, it } from 'vitest';
import type { GeneratorMetadata } from '../src/core/metadata.js';
import { createGenerator, type Generator } from '../src/sample/generator.js';
import { checkGolden, makeGolden } from '../src/sample/golden.js';
import { toBytes } from '../src/sample/quantize.js';
import { encodeTinyGenerator, METADATA, openSession, type TinyOptions } from './support/sample-model.js';

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

describe('golden samples', () => {
  async function withGolden(damage: number, change: Partial<GeneratorMetadata['golden']> = {}) {
    const right = await open();
    const golden = { ...(await makeGolden(right.run, METADATA, 3, 8)), ...change };
    return { right, golden, generator: await open({ metadata: { ...METADATA, golden }, damage }) };
  }

  it('hold the checksum of the 8-bit image and values of the float image', async () => {
    const { right, golden } = await withGolden(0);
    const { images } = await right.sample({ seed: 3, from: 8 });
    const bytes = toBytes(images, METADATA.imageRange).data;
    expect(golden.sha256).toBe(createHash('sha256').update(bytes).digest('hex'));
    expect([golden.seed, golden.index, golden.pixels.length]).toEqual([3, 8, 16]);
    for (const { at, value } of golden.pixels) expect(value).toBe(images.data[at]);
  });

  it('pass on the same weights', async () => {
    const { generator } = await withGolden(0);
    expect(await checkGolden(generator)).toEqual({
      ok: true,
      shaMatches: true,
      maxDifference: 0,
      tolerance: 1 / 255,
    });
  });

  it('fail when a weight is changed, and pass inside the tolerance', async () => {
    const { generator } = await withGolden(0.05);
    const check = await checkGolden(generator);
    expect(check).toMatchObject({ ok: false, shaMatches: false });
    expect(check.maxDifference).toBeGreaterThan(check.tolerance);
    expect(await checkGolden(generator, check.maxDifference)).toMatchObject({ ok: true, shaMatches: false });
  });

  it('fail when the image is not a number', async () => {
    const { generator } = await withGolden(Number.NaN);
    expect(await checkGolden(generator)).toEqual({
      ok: false,
      shaMatches: false,
      maxDifference: Number.POSITIVE_INFINITY,
      tolerance: 1 / 255,
    });
    await expect(makeGolden(generator.run, METADATA)).rejects.toMatchObject({ code: 'DIVERGED' });
  });

  it('are refused with values outside the image, or none', async () => {
    for (const pixels of [[{ at: 90, value: 0 }], []]) {
      const { generator } = await withGolden(0, { pixels });
      await expect(checkGolden(generator)).rejects.toMatchObject({ code: 'BAD_MODEL_FILE' });
    }
  });

  it('keep every value of a point', async () => {
    const metadata: GeneratorMetadata = { ...METADATA, kind: 'points', imageShape: [1, 1, 2] };
    const { run } = await open({ metadata });
    expect((await makeGolden(run, metadata)).pixels.map(({ at }) => at)).toEqual([0, 1]);
  });
});
