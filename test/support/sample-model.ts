/**
 * A small generator for the sampling tests: latents [batch, L] -> Gemm -> Tanh -> Reshape -> images, with weights
 * that depend on a seed, written with onnx-proto and opened in onnxruntime-node.
 */
import onnxProto from 'onnx-proto';
import { onnxruntimeNode } from '../../runtimes/onnxruntime-node.js';
import { encodeMetadata, type GeneratorMetadata } from '../../src/core/metadata.js';
import { normal } from '../../src/core/random.js';
import { sizeOf } from '../../src/core/tensor.js';
import type { Session } from '../../src/core/types.js';

const { onnx } = onnxProto;

export const METADATA: GeneratorMetadata = {
  model: 'tiny',
  kind: 'images',
  latentSize: 7,
  latentDistribution: 'normal',
  imageShape: [6, 5, 3],
  imageRange: [-1, 1],
  layout: 'nhwc',
  imagesSeen: 1234,
  seed: 11,
  dataDigest: 'ab'.repeat(32),
  golden: { seed: 0, index: 0, sha256: 'cd'.repeat(32), pixels: [{ at: 0, value: 0.5 }] },
};

export interface TinyOptions {
  readonly metadata?: GeneratorMetadata;
  /** Pairs to write instead of the metadata's. */
  readonly properties?: Readonly<Record<string, string>>;
  /** Changes a weight of every output by this much. */
  readonly damage?: number;
  /** Adds an input of this name that is added to the latents. */
  readonly extraInput?: string;
}

function valueInfo(name: string, shape: readonly (number | string)[]) {
  const dim = shape.map((extent) =>
    typeof extent === 'string' ? { dimParam: extent } : { dimValue: extent },
  );
  return { name, type: { tensorType: { elemType: onnx.TensorProto.DataType.FLOAT, shape: { dim } } } };
}

function floats(name: string, dims: number[], values: Float32Array) {
  return { name, dims, dataType: onnx.TensorProto.DataType.FLOAT, rawData: new Uint8Array(values.buffer) };
}

/** The file of a tiny generator that fits the metadata. */
export function encodeTinyGenerator(options: TinyOptions = {}): Uint8Array {
  const { metadata = METADATA, damage = 0, extraInput } = options;
  const { latentSize, imageShape, layout } = metadata;
  const size = sizeOf(imageShape);
  const [height, width, channels] = imageShape;
  const image = layout === 'nhwc' ? [height, width, channels] : [channels, height, width];
  const weights = normal(metadata.seed, 'weights', 0, latentSize * size).map((value) => 0.4 * value);
  for (let i = 0; i < size; i++) weights[i]! += damage;
  const reshape = new Uint8Array(new BigInt64Array([0n, ...image.map(BigInt)]).buffer);
  const inner = extraInput === undefined ? 'latents' : 'sum';
  const model = onnx.ModelProto.create({
    irVersion: 8,
    producerName: 'ganx-test',
    producerVersion: '1.2.3',
    modelVersion: 3,
    opsetImport: [
      { domain: '', version: 17 },
      { domain: 'com.example', version: 2 },
    ],
    metadataProps: Object.entries(options.properties ?? encodeMetadata(metadata)).map(([key, value]) => ({
      key,
      value,
    })),
    graph: {
      name: 'tiny-graph',
      node: [
        ...(extraInput === undefined
          ? []
          : [{ opType: 'Add', input: ['latents', extraInput], output: ['sum'] }]),
        { opType: 'Gemm', input: [inner, 'weights', 'bias'], output: ['dense'] },
        { opType: 'Tanh', input: ['dense'], output: ['flat'] },
        { opType: 'Reshape', input: ['flat', 'shape'], output: ['images'] },
      ],
      initializer: [
        floats('weights', [latentSize, size], weights),
        floats('bias', [size], normal(metadata.seed, 'bias', 0, size)),
        { name: 'shape', dims: [4], dataType: onnx.TensorProto.DataType.INT64, rawData: reshape },
      ],
      input: ['latents', ...(extraInput === undefined ? [] : [extraInput])].map((name) =>
        valueInfo(name, ['batch', latentSize]),
      ),
      output: [valueInfo('images', ['batch', ...image])],
    },
  });
  return onnx.ModelProto.encode(model).finish();
}

/** Opens a file on the CPU, with one thread. */
export async function openSession(bytes: Uint8Array): Promise<Session> {
  return onnxruntimeNode.open(bytes, { device: 'cpu', threads: 1 });
}
