/**
 * A generator with classes, as a file: latents [batch, 6] plus a vector for each label -> Gemm -> Tanh ->
 * images [batch, 10, 8, 3]. With ganx's metadata, and a golden sample made by onnxruntime-node.
 */
import onnxProto from 'onnx-proto';
import { onnxruntimeNode } from '../../runtimes/onnxruntime-node.js';
import { encodeMetadata, type GeneratorMetadata } from '../../src/core/metadata.js';
import { normal } from '../../src/core/random.js';
import { createGenerator, makeGolden } from '../../src/sample/index.js';
import { encodeModel } from './onnx-model.js';

const LATENT = 6;
const [HEIGHT, WIDTH, CHANNELS] = [10, 8, 3] as const;
const SIZE = HEIGHT * WIDTH * CHANNELS;

const SHAPE: GeneratorMetadata = {
  model: 'labelled',
  kind: 'images',
  latentSize: LATENT,
  latentDistribution: 'normal',
  imageShape: [HEIGHT, WIDTH, CHANNELS],
  imageRange: [-1, 1],
  layout: 'nhwc',
  labels: ['cat', 'dog', 'owl'],
  imagesSeen: 0,
  seed: 5,
  dataDigest: '',
};

/** The bytes of a file whose weights follow from the seed. */
export async function encodeLabelledGenerator(seed: number): Promise<Uint8Array> {
  const model = encodeModel({
    inputs: { latents: ['float32', ['batch', LATENT]], labels: ['int32', ['batch']] },
    outputs: { images: ['float32', ['batch', HEIGHT, WIDTH, CHANNELS]] },
    constants: {
      vectors: [normal(seed, 'vectors', 0, 3 * LATENT).map((value) => 3 * value), [3, LATENT]],
      weights: [normal(seed, 'weights', 0, LATENT * SIZE).map((value) => value / 3), [LATENT, SIZE]],
      bias: [normal(seed, 'bias', 0, SIZE), [SIZE]],
      shape: [[0, HEIGHT, WIDTH, CHANNELS], [4]],
    },
    nodes: [
      ['Gather', ['vectors', 'labels'], ['moved'], { axis: 0 }],
      ['Add', ['latents', 'moved'], ['sum']],
      ['Gemm', ['sum', 'weights', 'bias'], ['dense']],
      ['Tanh', ['dense'], ['flat']],
      ['Reshape', ['flat', 'shape'], ['images']],
    ],
  });
  const generator = createGenerator(await onnxruntimeNode.open(model, { device: 'cpu', threads: 1 }), SHAPE);
  const golden = await makeGolden((latents) => generator.run(latents, Int32Array.of(0)), SHAPE);
  await generator.dispose();
  const pairs = Object.entries(encodeMetadata({ ...SHAPE, golden }));
  const metadataProps = pairs.map(([key, value]) => ({ key, value }));
  // Messages of protobuf that follow each other are read as one.
  return Buffer.concat([model, onnxProto.onnx.ModelProto.encode({ metadataProps }).finish()]);
}
