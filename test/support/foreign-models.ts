/**
 * Generators as other tools export them: other names, other axes, a fixed batch, classes, no metadata.
 * Written with onnx-proto; weights depend on nothing but their place.
 */
import { normal } from '../../src/core/random.js';
import { encodeModel, type ModelText } from './onnx-model.js';

const weights = (name: string, count: number): Float32Array => normal(5, name, 0, count);

/** As PyTorch's DCGANs: z [n, 8, 1, 1] -> ConvTranspose -> tanh -> out [n, channels, 4, 4]. */
export function encodeConvolutional(change: Partial<ModelText> = {}, channels = 3): Uint8Array {
  return encodeModel({
    inputs: { z: ['float32', ['n', 8, 1, 1]] },
    outputs: { out: ['float32', ['n', channels, 4, 4]] },
    constants: { filter: [weights('filter', 8 * channels * 16), [8, channels, 4, 4]] },
    nodes: [
      ['ConvTranspose', ['z', 'filter'], ['wide']],
      ['Tanh', ['wide'], ['out']],
    ],
    ...change,
  });
}

/** As exports of StyleGAN: z [batch, 16] with a fixed batch -> Gemm -> tanh -> Reshape -> img [batch, 3, 5, 4]. */
export function encodeFixed(batch: number): Uint8Array {
  return encodeModel({
    inputs: { z: ['float32', [batch, 16]] },
    outputs: { img: ['float32', [batch, 3, 5, 4]] },
    constants: { dense: [weights('dense', 16 * 60), [16, 60]], shape: [[batch, 3, 5, 4], [4]] },
    nodes: [
      ['MatMul', ['z', 'dense'], ['hidden']],
      ['Tanh', ['hidden'], ['flat']],
      ['Reshape', ['flat', 'shape'], ['img']],
    ],
  });
}

/** z [n, 4] and the class c int32 [n] -> z + embedding[c] -> tanh -> Reshape -> out [n, 2, 2, 1]. */
export function encodeConditional(type: 'int32' | 'int64' = 'int32', batch: 'n' | number = 'n'): Uint8Array {
  return encodeModel({
    inputs: { z: ['float32', [batch, 4]], c: [type, [batch]] },
    outputs: { out: ['float32', [batch, 2, 2, 1]] },
    constants: { embedding: [weights('embedding', 3 * 4), [3, 4]], shape: [[-1, 2, 2, 1], [4]] },
    nodes: [
      ['Gather', ['embedding', 'c'], ['class']],
      ['Add', ['z', 'class'], ['sum']],
      ['Tanh', ['sum'], ['flat']],
      ['Reshape', ['flat', 'shape'], ['out']],
    ],
  });
}
