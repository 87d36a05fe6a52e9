/**
 * The generators that are drawn from while use is recorded: every network, form and precision that ganx exports, in
 * sizes that leave remainders and in the size of a default, with classes and without. Needs a built dist.
 */
import onnxProto from 'onnx-proto';
import { exportGenerator } from '../../../dist/exporters/export-generator.js';
import { findModel } from '../../../dist/models/index.js';
import { onnxruntimeNode } from '../../../dist/runtimes/onnxruntime-node.js';
import { encodeMetadata } from '../../../dist/src/core/metadata.js';
import { uniform } from '../../../dist/src/core/random.js';
import { plainTensor, sizeOf } from '../../../dist/src/core/tensor.js';
import { createGenerator, makeGolden } from '../../../dist/src/sample/index.js';

const SEED = 1;
const openSession = (bytes) => onnxruntimeNode.open(bytes, { device: 'cpu', threads: 1 });

/** Each with the precisions and layouts it is exported in. */
const ALL = [
  ['float32', 'nhwc'],
  ['float16', 'nhwc'],
  ['float32', 'nchw'],
  ['float16', 'nchw'],
];
const NETWORKS = [
  ['dcgan', { imageShape: [28, 28, 1], width: 64 }, ALL.slice(0, 1)],
  ['dcgan', { imageShape: [32, 32, 3], width: 5, latentSize: 7 }, ALL],
  ['dcgan', { imageShape: [64, 64, 3], width: 6, latentSize: 64 }, ALL.slice(0, 2)],
  ['dcgan', { imageShape: [28, 28, 1], width: 8, latentSize: 16 }, ALL],
  ['mlp', { imageShape: [28, 28, 1], width: 1200 }, ALL.slice(0, 1)],
  ['dcgan', { imageShape: [56, 56, 1], width: 9, latentSize: 50 }, ALL.slice(0, 1)],
  ['dcgan', { imageShape: [112, 112, 3], width: 2, latentSize: 8 }, ALL.slice(1, 2)],
  ['dcgan', { imageShape: [128, 128, 3], width: 2, latentSize: 8 }, ALL.slice(2, 3)],
  ['mlp', { imageShape: [5, 5, 1], width: 7, latentSize: 1 }, ALL.slice(0, 1)],
  ['mlp', { imageShape: [9, 7, 3], width: 33, latentSize: 5 }, ALL.slice(1, 3)],
  [
    'mlp',
    { imageShape: [16, 16, 1], width: 64, latentSize: 32, latentDistribution: 'normal' },
    ALL.slice(0, 2),
  ],
  ['mlp', { imageShape: [1, 1, 2], kind: 'points', width: 16, latentSize: 2 }, ALL.slice(0, 2)],
  ['mlp', { imageShape: [1, 1, 2], kind: 'points', width: 7, latentSize: 1 }, ALL.slice(0, 1)],
];

/** A network whose weights are all drawn; averages and norms are spread around what they begin with. */
function drawWeights({ generator }) {
  return Object.fromEntries(
    generator.weights.map(({ name, shape, initial }) => {
      const [middle, spread] =
        initial.kind === 'uniform'
          ? [0, initial.range]
          : initial.kind === 'normal'
            ? [initial.mean, 2 * initial.deviation]
            : [initial.value, 0.1];
      const full = `generator/${name}`;
      return [
        full,
        plainTensor(uniform(SEED, full, 0, sizeOf(shape), middle - spread, middle + spread), shape),
      ];
    }),
  );
}

async function exportNetworks() {
  const files = [];
  for (const [model, build, forms] of NETWORKS) {
    const gan = findModel(model).build(build);
    const source = { model, gan, weights: drawWeights(gan), imagesSeen: 0, seed: 0, dataDigest: '' };
    for (const [dtype, layout] of forms) {
      files.push((await exportGenerator(source, { openSession, dtype, layout })).bytes);
    }
  }
  return files;
}

/**
 * Latents [batch, 6] plus a vector for each class -> Gemm -> Tanh -> images, with ganx's metadata.
 *
 * @param gatherAttributes the axis may be written out, or left to be what it is by default
 */
async function encodeLabelled(gatherAttributes) {
  const imageShape = [10, 8, 3];
  const constant = (name, dims, scale) => ({
    name,
    dims,
    dataType: 1,
    rawData: new Uint8Array(uniform(SEED, name, 0, sizeOf(dims), -scale, scale).buffer),
  });
  const value = (name, elemType, extents) => ({
    name,
    type: {
      tensorType: {
        elemType,
        shape: {
          dim: extents.map((one) => (typeof one === 'string' ? { dimParam: one } : { dimValue: one })),
        },
      },
    },
  });
  const node = (opType, input, output, attribute = []) => ({
    opType,
    name: output,
    input,
    output: [output],
    attribute,
  });
  const metadata = {
    model: 'labelled',
    kind: 'images',
    latentSize: 6,
    latentDistribution: 'normal',
    imageShape,
    imageRange: [-1, 1],
    layout: 'nhwc',
    labels: ['a', 'b', 'c'],
    imagesSeen: 0,
    seed: SEED,
    dataDigest: '',
  };
  const { ModelProto } = onnxProto.onnx;
  const model = ModelProto.encode({
    irVersion: 8,
    opsetImport: [{ domain: '', version: 17 }],
    graph: {
      name: 'labelled',
      node: [
        node('Gather', ['vectors', 'labels'], 'moved', gatherAttributes),
        node('Add', ['latents', 'moved'], 'sum'),
        node('Gemm', ['sum', 'weights', 'bias'], 'dense'),
        node('Tanh', ['dense'], 'flat'),
        node('Reshape', ['flat', 'shape'], 'images'),
      ],
      input: [value('latents', 1, ['batch', 6]), value('labels', 6, ['batch'])],
      output: [value('images', 1, ['batch', ...imageShape])],
      initializer: [
        constant('vectors', [3, 6], 2),
        constant('weights', [6, 240], 0.3),
        constant('bias', [240], 1),
        { name: 'shape', dims: [4], dataType: 7, int64Data: [0, ...imageShape] },
      ],
    },
  }).finish();
  const generator = createGenerator(await openSession(model), metadata);
  const golden = await makeGolden((latents) => generator.run(latents, Int32Array.of(0)), metadata);
  await generator.dispose();
  const pairs = Object.entries(encodeMetadata({ ...metadata, golden }));
  const metadataProps = pairs.map(([key, text]) => ({ key, value: text }));
  return Buffer.concat([model, ModelProto.encode({ metadataProps }).finish()]);
}

/** The files' bytes. */
export async function makeRecordingModels() {
  const axis = [{ name: 'axis', type: 2, i: 0 }];
  return [...(await exportNetworks()), await encodeLabelled([]), await encodeLabelled(axis)];
}
