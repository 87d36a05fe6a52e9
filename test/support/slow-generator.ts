/**
 * A generator whose run takes long and whose file is small: latents [batch, 16] -> a chain of products with one and the
 * same matrix -> Tanh -> images [batch, 16, 16, 1]. With ganx's metadata, and no golden sample.
 */
import onnxProto from 'onnx-proto';
import { encodeMetadata } from '../../src/core/metadata.js';
import { normal } from '../../src/core/random.js';
import { encodeModel, type NodeText } from './onnx-model.js';

const [LATENT, SIDE, WIDE] = [16, 16, 1024] as const;
/** Products of [batch, WIDE] and [WIDE, WIDE]: 4e7 multiplications a sample in all. */
const LAYERS = 40;

/** The bytes of a file whose weights are always the same. */
export function encodeSlowGenerator(): Uint8Array {
  const layers = Array.from({ length: LAYERS }, (_, i): NodeText[] => [
    ['MatMul', [`h${i}`, 'again'], [`s${i}`]],
    ['Tanh', [`s${i}`], [`h${i + 1}`]],
  ]).flat();
  const model = encodeModel({
    inputs: { latents: ['float32', ['batch', LATENT]] },
    outputs: { images: ['float32', ['batch', SIDE, SIDE, 1]] },
    constants: {
      widen: [normal(1, 'widen', 0, LATENT * WIDE), [LATENT, WIDE]],
      again: [normal(1, 'again', 0, WIDE * WIDE).map((value) => (2 * value) / Math.sqrt(WIDE)), [WIDE, WIDE]],
      narrow: [normal(1, 'narrow', 0, WIDE * SIDE ** 2).map((value) => value / 32), [WIDE, SIDE ** 2]],
      shape: [[0, SIDE, SIDE, 1], [4]],
    },
    nodes: [
      ['MatMul', ['latents', 'widen'], ['h0']],
      ...layers,
      ['MatMul', [`h${LAYERS}`, 'narrow'], ['flat']],
      ['Tanh', ['flat'], ['bounded']],
      ['Reshape', ['bounded', 'shape'], ['images']],
    ],
  });
  const { onnx } = onnxProto;
  const proto = onnx.ModelProto.decode(model);
  const pairs = encodeMetadata({
    model: 'slow',
    kind: 'images',
    latentSize: LATENT,
    latentDistribution: 'normal',
    imageShape: [SIDE, SIDE, 1],
    imageRange: [-1, 1],
    layout: 'nhwc',
    imagesSeen: 0,
    seed: 1,
    dataDigest: '',
  });
  proto.metadataProps = Object.entries(pairs).map(([key, value]) =>
    onnx.StringStringEntryProto.create({ key, value }),
  );
  return onnx.ModelProto.encode(proto).finish();
}
