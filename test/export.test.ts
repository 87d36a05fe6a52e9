/**
 * What an exported file looks like, read back with onnx-proto: few Transposes, no norms, explicit pads, a free batch,
 * readable names, whole metadata; and the same bytes every time.
 */
import * as tf from '@tensorflow/tfjs-core';
import onnxProto from 'onnx-proto';
import { beforeAll, describe, expect, it } from 'vitest';
import { maxDifference } from '../exporters/find-divergence.js';
import { type ExportResult, type ExportSource, exportGenerator } from '../exporters/index.js';
import { findModel } from '../models/index.js';
import { checkGolden, createGenerator, readMetadata, readModelFile } from '../src/sample/index.js';
import { randomTensor } from './support/run-traced.js';
import { dcgan, openOnCpu, RECIPES, trainSmall } from './support/small-training.js';

tf.enableProdMode();
const { onnx } = onnxProto;

const EXPORTED = { ...RECIPES, 'dcgan, 64 RGB': dcgan(64, 3) };

describe.each(Object.entries(EXPORTED))('the file of %s', (_, recipe) => {
  let source: ExportSource;
  const files = {} as Record<'nhwc' | 'nchw', ExportResult>;

  beforeAll(async () => {
    const { gan, weights } = await trainSmall(recipe, 3);
    source = { model: recipe.model, gan, weights, imagesSeen: 18, seed: 3, dataDigest: 'cd'.repeat(32) };
    for (const layout of ['nhwc', 'nchw'] as const)
      files[layout] = await exportGenerator(source, { layout, openSession: openOnCpu });
  });

  describe.each(['nhwc', 'nchw'] as const)('in %s', (layout) => {
    it('is ONNX of opset 17 from a short list of operators', () => {
      const model = onnx.ModelProto.decode(files[layout].bytes);
      expect(Number(model.irVersion)).toBe(8);
      expect(model.opsetImport.map(({ domain, version }) => [domain, Number(version)])).toEqual([['', 17]]);
      const { operators } = readModelFile(files[layout].bytes);
      const { Transpose = 0, ...rest } = operators;
      expect(Transpose).toBeLessThanOrEqual(layout === 'nhwc' ? 1 : 0);
      const known = ['Gemm', 'Reshape', 'Relu', 'ConvTranspose', 'Tanh', 'Sigmoid'];
      expect(known).toEqual(expect.arrayContaining(Object.keys(rest)));
      // Norms and biases are inside the products: nothing is left of them but these.
      const products = (operators.Gemm ?? 0) + (operators.ConvTranspose ?? 0);
      const kernels = source.gan.generator.weights.filter(({ name }) => name.endsWith('/kernel'));
      expect(products).toBe(kernels.length);
    });

    it('states its pads and leaves none to the runtime', () => {
      const nodes = onnx.ModelProto.decode(files[layout].bytes).graph!.node!;
      for (const { name, opType, attribute } of nodes) {
        const attributes = Object.fromEntries(attribute!.map((one) => [one.name!, one]));
        expect(Object.keys(attributes), name!).not.toContain('auto_pad');
        expect(Object.keys(attributes), name!).not.toContain('output_shape');
        if (opType === 'ConvTranspose') expect(attributes.pads?.ints, name!).toHaveLength(4);
      }
    });

    it('names its nodes and weights after the layers', () => {
      const { node, initializer } = onnx.ModelProto.decode(files[layout].bytes).graph!;
      const layers = source.gan.generator.weights.map(({ name }) => name.split('/')[0]!);
      for (const [i, { name }] of node!.entries()) {
        // The change of the images' layout, at the very end, belongs to the output and to no layer.
        const isLast = i === node!.length - 1;
        const named = isLast
          ? /^(generator\/[a-z]+|images)\/[A-Z]\w+$/
          : /^generator\/[a-z]+(_\d)?\/[A-Z]\w+$/;
        expect(name).toMatch(named);
      }
      for (const { name } of initializer!) {
        const readable = /^(?:generator\/(\w+)\/(?:kernel|folded_bias)|int64\/-1(?:_\d+){3})$/.exec(name!);
        expect(readable, name!).not.toBeNull();
        if (readable![1] !== undefined) expect(layers).toContain(readable![1]);
      }
      expect(new Set(node!.map(({ name }) => name)).size).toBe(node!.length);
    });

    it('leaves the batch free, under one name', () => {
      const { input, output } = onnx.ModelProto.decode(files[layout].bytes).graph!;
      const shapeOf = ({ type }: NonNullable<typeof input>[number]) =>
        type!.tensorType!.shape!.dim!.map(({ dimParam, dimValue }) => dimParam || Number(dimValue));
      const { latentSize, imageShape } = source.gan.shape;
      const [height, width, channels] = imageShape;
      const image = layout === 'nhwc' ? [height, width, channels] : [channels, height, width];
      expect(input!.map((value) => [value.name, shapeOf(value)])).toEqual([
        ['latents', ['batch', latentSize]],
      ]);
      expect(output!.map((value) => [value.name, shapeOf(value)])).toEqual([['images', ['batch', ...image]]]);
    });

    it('gives the same images in batches of 1, 5 and 64', async () => {
      const generator = createGenerator(await openOnCpu(files[layout].bytes), files[layout].metadata);
      const whole = (await generator.sample({ count: 64, batch: 64 })).images.data;
      for (const batch of [1, 5]) {
        const parts = (await generator.sample({ count: 64, batch })).images.data;
        // Another matrix kernel for another batch: the last bits of sums around 1.
        expect(maxDifference(parts, whole)).toBeLessThan(2e-6);
      }
      expect(await checkGolden(generator)).toMatchObject({ ok: true, shaMatches: true });
      await generator.dispose();
    });

    it('says all of itself in its metadata', () => {
      const { bytes, metadata } = files[layout];
      expect(readMetadata(bytes)).toEqual(metadata);
      expect(metadata).toMatchObject({
        ...source.gan.shape,
        model: recipe.model,
        layout,
        imagesSeen: 18,
        seed: 3,
        dataDigest: 'cd'.repeat(32),
        golden: { seed: 0, index: 0, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
      });
      expect(readModelFile(bytes).producer).toBe('ganx');
    });

    it('has the same bytes every time, in whatever order the weights come', async () => {
      const again = await exportGenerator(source, { layout, openSession: openOnCpu });
      expect(Buffer.compare(again.bytes, files[layout].bytes)).toBe(0);
      const weights = Object.fromEntries(Object.entries(source.weights).reverse());
      const turned = await exportGenerator({ ...source, weights }, { layout, openSession: openOnCpu });
      expect(Buffer.compare(turned.bytes, files[layout].bytes)).toBe(0);
    });
  });

  it('was compared on 64 latents', () => {
    for (const { checkedLatents, maxDifference: worst, tolerance } of Object.values(files)) {
      expect(checkedLatents).toBe(64);
      expect(tolerance).toBe(1e-5);
      // Measured on x64: up to 3.6e-7, for points as large as 3.
      expect(worst).toBeLessThan(2e-6);
    }
  });
});

it('measures what ends linear by its own size', async () => {
  const gan = findModel('goodfellow2014-cifar10-fc').build({ imageShape: [4, 4, 3], width: 200 });
  const kernels = Object.fromEntries(
    gan.generator.weights.map(({ name, shape }) => [`generator/${name}`, randomTensor(name, shape)]),
  );
  const { maxDifference: worst, bytes } = await exportGenerator(
    {
      gan,
      weights: kernels,
      model: 'goodfellow2014-cifar10-fc',
      imagesSeen: 1,
      seed: 3,
      dataDigest: 'cd'.repeat(32),
    },
    { openSession: openOnCpu },
  );
  const generator = createGenerator(await openOnCpu(bytes), readMetadata(bytes));
  const { data } = (await generator.sample({ count: 64 })).images;
  const largest = data.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  await generator.dispose();
  // Sums of 200 normal products: far outside of [-1, 1], where one unit in the last place is 2e-6.
  expect(largest).toBeGreaterThan(30);
  expect(worst).toBeLessThan(2e-6);
});
