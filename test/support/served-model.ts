/** Small generators for the server's tests, each with a golden sample that it really draws, or not any more. */
import onnxProto from 'onnx-proto';
import { encodeMetadata } from '../../src/core/metadata.js';
import { normal } from '../../src/core/random.js';
import { sizeOf } from '../../src/core/tensor.js';
import { createGenerator, makeGolden } from '../../src/sample/index.js';
import { encodeModel } from './onnx-model.js';
import { encodeTinyGenerator, METADATA, openSession } from './sample-model.js';

export interface GoldenOptions {
  readonly seed?: number;
  readonly layout?: 'nhwc' | 'nchw';
  /** Changes the weights after the golden sample was made. */
  readonly damage?: number;
}

/** The file of a generator of 6 × 5 pixels in colour. */
export async function encodeGoldenGenerator(options: GoldenOptions = {}): Promise<Uint8Array> {
  const { seed = 11, layout = 'nhwc', damage = 0 } = options;
  const { golden: _, ...rest } = METADATA;
  const metadata = { ...rest, seed, layout };
  const generator = createGenerator(await openSession(encodeTinyGenerator({ metadata })), metadata);
  const golden = await makeGolden((latents) => generator.run(latents), metadata);
  await generator.dispose();
  return encodeTinyGenerator({ metadata: { ...metadata, golden }, damage });
}

/** The file of a generator whose every run multiplies two square matrices of this size first, which changes nothing. */
export function encodeSlowGenerator(size: number): Uint8Array {
  const { golden: _, ...metadata } = METADATA;
  const { latentSize, imageShape } = metadata;
  const values = sizeOf(imageShape);
  const model = encodeModel({
    inputs: { latents: ['float32', ['batch', latentSize]] },
    outputs: { images: ['float32', ['batch', ...imageShape]] },
    constants: {
      weights: [normal(7, 'weights', 0, latentSize * values), [latentSize, values]],
      bias: [normal(7, 'bias', 0, values), [values]],
      extents: [[size, size], [2]],
      shape: [[0, ...imageShape], [4]],
      zero: [new Float32Array(1), []],
    },
    nodes: [
      ['ReduceMean', ['latents'], ['mean'], { keepdims: 0 }],
      ['Expand', ['mean', 'extents'], ['square']],
      ['MatMul', ['square', 'square'], ['product']],
      ['ReduceMean', ['product'], ['middle'], { keepdims: 0 }],
      ['Mul', ['middle', 'zero'], ['nothing']],
      ['Gemm', ['latents', 'weights', 'bias'], ['dense']],
      ['Add', ['dense', 'nothing'], ['sum']],
      ['Tanh', ['sum'], ['flat']],
      ['Reshape', ['flat', 'shape'], ['images']],
    ],
  });
  const metadataProps = Object.entries(encodeMetadata(metadata)).map(([key, value]) => ({ key, value }));
  // Messages of protobuf that follow each other are read as one.
  return Buffer.concat([model, onnxProto.onnx.ModelProto.encode({ metadataProps }).finish()]);
}
