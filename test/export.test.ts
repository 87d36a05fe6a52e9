/**
 * What an exported file looks like, read back with onnx-proto: few Transposes, no norms, explicit pads, a free batch,
 * readable names, whole metadata; and the same bytes every time.
 */
import { createHash } from 'node:crypto';
import * as tf from '@tensorflow/tfjs-core';
import onnxProto from 'onnx-proto';
import { beforeAll, describe, expect, it } from 'vitest';
import { type ExportResult, type ExportSource, exportGenerator } from '../exporters/index.js';
import {
  checkGolden,
  createGenerator,
  drawLatents,
  readMetadata,
  readModelFile,
  toBytes,
} from '../src/sample/index.js';
import { openOnCpu, type Recipe, trainSmall } from './support/small-training.js';

tf.enableProdMode();
const { onnx } = onnxProto;

const dcgan = (size: number, channels: number): Recipe => ({
  model: 'dcgan',
  build: { imageShape: [size, size, channels], width: 4, latentSize: 10 },
  learningRate: 0.02,
});

const RECIPES: Record<string, Recipe> = {
  'dcgan, 28 grey': dcgan(28, 1),
  'dcgan, 32 RGB': dcgan(32, 3),
  'dcgan, 64 RGB': dcgan(64, 3),
  'mlp on images': {
    model: 'mlp',
    build: { imageShape: [28, 28, 1], width: 40, latentSize: 10 },
    learningRate: 0.02,
  },
  'mlp on points': { model: 'mlp', build: { kind: 'points', imageShape: [1, 1, 2] }, learningRate: 0.02 },
};

describe.each(Object.entries(RECIPES))('the file of %s', (_, recipe) => {
  let source: ExportSource;
  const files = {} as Record<'nhwc' | 'nchw', ExportResult>;

  beforeAll(async () => {
    const { gan, weights } = await trainSmall(recipe, 3);
    source = { model: recipe.model, gan, weights, imagesSeen: 18, seed: 3, dataDigest: 'cd'.repeat(32) };
    for (const layout of ['nhwc', 'nchw'] as const)
      files[layout] = await exportGenerator(source, { layout, openSession: openOnCpu });
  });

  it.each(['nhwc', 'nchw'] as const)('is plain ONNX that runs anywhere: %s', (layout) => {
    const model = onnx.ModelProto.decode(files[layout].bytes);
    expect(Number(model.irVersion)).toBe(8);
    expect(model.opsetImport.map(({ domain, version }) => [domain, Number(version)])).toEqual([['', 17]]);
    expect(model.producerName).toBe('ganx');
    const nodes = model.graph!.node!;
    const operators = nodes.map(({ opType }) => opType!);
    expect(operators.filter((name) => name === 'Transpose').length).toBeLessThanOrEqual(
      layout === 'nhwc' ? 1 : 0,
    );
    expect(operators).not.toContain('BatchNormalization');
    const known = ['Gemm', 'Reshape', 'Relu', 'ConvTranspose', 'Tanh', 'Sigmoid', 'Transpose'];
    expect(operators.filter((name) => !known.includes(name))).toEqual([]);
    for (const node of nodes) {
      const attributes = Object.fromEntries(node.attribute!.map((one) => [one.name!, one]));
      expect(Object.keys(attributes)).not.toContain('auto_pad');
      expect(Object.keys(attributes)).not.toContain('output_shape');
      if (node.opType === 'ConvTranspose') expect(attributes.pads?.ints).toHaveLength(4);
    }
  });
});
