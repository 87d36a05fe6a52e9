/** Generators that another tool exported: described, sampled, and refused for what does not fit. */
import onnxProto from 'onnx-proto';
import { afterAll, describe, expect, it } from 'vitest';
import { GanError } from '../src/core/errors.js';
import { plainTensor } from '../src/core/tensor.js';
import { loadGenerator } from '../src/load-generator.js';
import {
  describeForeign,
  drawLatents,
  type Generator,
  type LatentDescription,
  readMetadata,
} from '../src/sample/index.js';
import { encodeConditional, encodeConvolutional, encodeFixed } from './support/foreign-models.js';
import { encodeModel } from './support/onnx-model.js';
import { openSession } from './support/sample-model.js';

const { onnx } = onnxProto;
const opened: Generator[] = [];

async function load(bytes: Uint8Array, describe: LatentDescription): Promise<Generator> {
  const generator = await loadGenerator(bytes, { device: 'cpu', threads: 1, describe });
  opened.push(generator);
  return generator;
}

afterAll(async () => {
  for (const generator of opened) await generator.dispose();
});

describe('a described generator', () => {
  it('draws from latents with extra axes, and gives NHWC', async () => {
    const bytes = encodeConvolutional();
    const generator = await load(bytes, { latent: '1x8x1x1' });
    expect(generator.metadata).toEqual({
      model: 'unknown',
      kind: 'images',
      latentSize: 8,
      latentShape: [8, 1, 1],
      latentDistribution: 'normal',
      imageShape: [4, 4, 3],
      imageRange: [-1, 1],
      layout: 'nchw',
      imagesSeen: 0,
      seed: 0,
      dataDigest: '',
      inputName: 'z',
      outputName: 'out',
    });
    const { latents, images } = await generator.sample({ count: 5, seed: 3 });
    expect(latents).toEqual(drawLatents({ latentSize: 8, latentDistribution: 'normal' }, 3, 0, 5));
    const session = await openSession(bytes);
    const raw = (await session.run({ z: plainTensor(latents.data, [5, 8, 1, 1]) })).out!; // [5, 3, 4, 4]
    for (let at = 0; at < raw.data.length; at++) {
      const [n, c, pixel] = [Math.floor(at / 48), Math.floor(at / 16) % 3, at % 16];
      expect(images.data[(n * 16 + pixel) * 3 + c]).toBe(raw.data[at]);
    }
    await session.dispose();
  });

  it.each([
    ['8x1x1', [8, 1, 1]],
    ['1x8x1x1', [8, 1, 1]],
    ['5×8×1×1', [8, 1, 1]],
  ])('is understood with its latent as %s', async (latent, shape) => {
    expect((await load(encodeConvolutional(), { latent })).metadata.latentShape).toEqual(shape);
  });

  it.each([1, 4])('runs as often as a fixed batch of %d takes', async (batch) => {
    const generator = await load(encodeFixed(batch), { latent: '16', range: '0,1' });
    expect(generator.metadata).toMatchObject({ imageRange: [0, 1], imageShape: [5, 4, 3], layout: 'nchw' });
    const alone = await load(encodeFixed(1), { latent: '1x16' });
    const together = await generator.sample({ count: 7, seed: 2 });
    const single = await Promise.all(
      Array.from({ length: 7 }, (_, from) => alone.sample({ seed: 2, from, count: 1 })),
    );
    expect(together.images.shape).toEqual([7, 5, 4, 3]);
    single.forEach(({ images }, i) => {
      images.data.forEach((value, at) => {
        expect(together.images.data[i * 60 + at]).toBeCloseTo(value, 6);
      });
    });
  });

  it('is run once for extents that its file leaves open', async () => {
    const open = encodeConvolutional({ outputs: { out: ['float32', ['n', 'c', 'h', 'w']] } });
    expect((await load(open, { latent: '8x1x1' })).metadata).toMatchObject({
      imageShape: [4, 4, 3],
      layout: 'nchw',
    });
  });

  it('takes uniform latents from -1 to 1, or as told', async () => {
    const usual = await load(encodeFixed(1), { latent: '16', distribution: 'uniform' });
    expect(usual.metadata).toMatchObject({ latentDistribution: 'uniform', latentRange: [-1, 1] });
    const { data } = (await usual.sample({ count: 50 })).latents;
    expect(Math.max(...data)).toBeLessThan(1);
    expect(Math.max(...data)).toBeGreaterThan(0.95);
    const positive = await load(encodeFixed(1), { latent: '16', distribution: 'uniform:0,1' });
    expect(Math.min(...(await positive.sample({ count: 50 })).latents.data)).toBeGreaterThan(0);
  });

  it('is known to compute in half precision by its weights', async () => {
    const graph = onnx.ModelProto.decode(encodeConvolutional());
    graph.graph!.initializer!.push(
      onnx.TensorProto.create({ name: 'half', dims: [1], dataType: 10, rawData: Uint8Array.of(0, 0x38) }),
    );
    const bytes = onnx.ModelProto.encode(graph).finish();
    expect((await load(bytes, { latent: '8x1x1' })).metadata.dtype).toBe('float16');
    expect((await load(encodeConvolutional(), { latent: '8x1x1' })).metadata.dtype).toBeUndefined();
  });

  it('draws points', async () => {
    const bytes = encodeModel({
      inputs: { z: ['float32', ['n', 2]] },
      outputs: { xy: ['float32', ['n', 2]] },
      nodes: [['Tanh', ['z'], ['xy']]],
    });
    const { metadata, sample } = await load(bytes, { latent: '2' });
    expect(metadata).toMatchObject({ kind: 'points', imageShape: [1, 1, 2] });
    const { latents, images } = await sample({ count: 3 });
    images.data.forEach((value, i) => {
      expect(value).toBeCloseTo(Math.tanh(latents.data[i]!), 5);
    });
  });
});

describe('a labelled generator', () => {
  const LABELS = { latent: '4', labels: 'cat, dog,owl' };

  it('takes the classes in turn, one for all, or one for each', async () => {
    const generator = await load(encodeConditional(), LABELS);
    expect([generator.labelled, generator.metadata.labels]).toEqual([true, ['cat', 'dog', 'owl']]);
    const inTurn = await generator.sample({ count: 7, from: 2, batch: 3 });
    expect([...inTurn.labels!]).toEqual([2, 0, 1, 2, 0, 1, 2]);
    expect([...(await generator.sample({ count: 3, label: 1 })).labels!]).toEqual([1, 1, 1]);
    const each = await generator.sample({ count: 5, batch: 2, label: [2, 2, 0, 1, 0] });
    expect([...each.labels!]).toEqual([2, 2, 0, 1, 0]);
    const again = await generator.run(each.latents, each.labels);
    again.data.forEach((value, at) => {
      expect(value).toBeCloseTo(each.images.data[at]!, 6);
    });
    const others = await generator.run(each.latents, Int32Array.of(2, 2, 0, 1, 1));
    expect([...others.data.subarray(0, 16)]).toEqual([...again.data.subarray(0, 16)]);
    expect([...others.data.subarray(16)]).not.toEqual([...again.data.subarray(16)]);
  });

  it('keeps its classes through pieces of a fixed batch', async () => {
    const [free, fixed] = [
      await load(encodeConditional(), LABELS),
      await load(encodeConditional('int32', 2), LABELS),
    ];
    const [a, b] = [await free.sample({ count: 5 }), await fixed.sample({ count: 5 })];
    expect(b.labels).toEqual(a.labels);
    b.images.data.forEach((value, at) => {
      expect(value).toBeCloseTo(a.images.data[at]!, 6);
    });
  });

  it.each([
    [{ label: 3 }, /a label from 0 to 2, got `3`. Known: 0 cat, 1 dog, 2 owl/],
    [{ label: -1 }, /got `-1`/],
    [{ label: 0.5 }, /got `0.5`/],
    [{ label: [0, 1] }, /1 labels, one a sample, got `2`/],
    [{ label: [] }, /got `0`/],
  ])('refuses %j', async (options, message) => {
    const generator = await load(encodeConditional(), LABELS);
    await expect(generator.sample(options)).rejects.toThrow(message);
  });

  it('refuses to run without classes, with too few, and with others', async () => {
    const { run } = await load(encodeConditional(), LABELS);
    const latents = plainTensor(new Float32Array(8), [2, 4]);
    await expect(run(latents)).rejects.toThrow(/the class of each of 2 samples, got `none`/);
    await expect(run(latents, Int32Array.of(1))).rejects.toThrow(/2 classes, one a sample, got `1`/);
    await expect(run(latents, Int32Array.of(1, 3))).rejects.toThrow(/classes from 0 to 2, got `3`/);
    const plain = await load(encodeFixed(1), { latent: '16' });
    const one = plainTensor(new Float32Array(16), [1, 16]);
    await expect(plain.run(one, Int32Array.of(0))).rejects.toThrow(/no classes for a generator without/);
  });
});

describe('a description', () => {
  const errorOf = async (bytes: Uint8Array, description: LatentDescription): Promise<GanError> => {
    const session = await openSession(bytes);
    const error = await describeForeign(description, session).catch((reason: unknown) => reason);
    await session.dispose();
    expect(error).toBeInstanceOf(GanError);
    return error as GanError;
  };

  it.each<[string, LatentDescription, RegExp]>([
    ['no extents', { latent: 'big' }, /a latent as extents, such as 1x512, got `big`/],
    ['a zero', { latent: '1x0' }, /got `1x0`/],
    ['another size', { latent: '1x9x1x1' }, /fits the input z \[n, 8, 1, 1\], got `1x9x1x1`/],
    ['other axes', { latent: '1x8' }, /fits the input z \[n, 8, 1, 1\], got `1x8`/],
    ['a falling range', { latent: '8x1x1', range: '1,-1' }, /two rising numbers.*got `1,-1`/],
    ['half a range', { latent: '8x1x1', range: '1' }, /got `1`/],
    ['an empty bound', { latent: '8x1x1', range: ',1' }, /got `,1`/],
    ['the other layout', { latent: '8x1x1', layout: 'nhwc' }, /in the layout nhwc, got `\[n, 3, 4, 4\]`/],
    ['another distribution', { latent: '8x1x1', distribution: 'cauchy' }, /got `cauchy`/],
    ['labels for no input', { latent: '8x1x1', labels: 'a,b' }, /an input int32 \[batch\] for the labels/],
    ['an empty label', { latent: '8x1x1', labels: 'a,,b' }, /got `a,,b`/],
  ])('with %s is refused', async (_, description, message) => {
    expect((await errorOf(encodeConvolutional(), description)).message).toMatch(message);
  });

  it('asks for a layout where both fit, and for channels where none does', async () => {
    const both = encodeModel({
      inputs: { z: ['float32', ['n', 36]] },
      outputs: { out: ['float32', ['n', 3, 4, 3]] },
      constants: { shape: [[-1, 3, 4, 3], [4]] },
      nodes: [['Reshape', ['z', 'shape'], ['out']]],
    });
    expect((await errorOf(both, { latent: '36' })).message).toMatch(/--layout nchw or --layout nhwc/);
    const none = encodeConvolutional({}, 5);
    expect((await errorOf(none, { latent: '8x1x1' })).message).toMatch(
      /1 or 3 channels, got `\[n, 5, 4, 4\]`/,
    );
  });

  it('is refused for files that are no generators', async () => {
    const two = encodeModel({
      inputs: { z: ['float32', ['n', 4]], noise: ['float32', ['n', 4]] },
      outputs: { out: ['float32', ['n', 4]] },
      nodes: [['Add', ['z', 'noise'], ['out']]],
    });
    expect((await errorOf(two, { latent: '4' })).message).toMatch(
      /one float32 input .*got `z float32 \[n, 4\]; noise float32 \[n, 4\]`/,
    );
    const flat = encodeModel({
      inputs: { z: ['float32', ['n', 784]] },
      outputs: { out: ['float32', ['n', 784]] },
      nodes: [['Tanh', ['z'], ['out']]],
    });
    expect((await errorOf(flat, { latent: '784' })).message).toMatch(/images \[n, C, H, W\].*\[n, 784\]/);
    expect((await errorOf(encodeConditional(), { latent: '4' })).message).toMatch(/--labels a,b,c/);
  });

  it('is missed with the command line to try', () => {
    const messageOf = (bytes: Uint8Array): string => {
      try {
        readMetadata(bytes, 'any.onnx');
      } catch (error) {
        return (error as GanError).message;
      }
      return '';
    };
    expect(messageOf(encodeConvolutional())).toContain(
      'Its inputs are z float32 [n, 8, 1, 1]; its outputs out float32 [n, 3, 4, 4]. Describe its latents to ' +
        'sample it: `ganx sample any.onnx --latent 1x8x1x1 --range -1,1`',
    );
    expect(messageOf(encodeConditional())).toContain('--latent 1x4 --range -1,1 --labels a,b,c`');
    const open = encodeConvolutional({ inputs: { z: ['float32', ['n', 'size']] } });
    expect(messageOf(open)).toContain('--latent 1xSIZE');
    const silent = encodeConvolutional({ inputs: { z: ['float32', null] } });
    expect(messageOf(silent)).toContain('Its inputs are z float32; ');
  });
});
