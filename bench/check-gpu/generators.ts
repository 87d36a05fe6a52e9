/**
 * Generators at full size to draw with, exported as `ganx export` does it. Their weights are drawn so that every layer's
 * values spread over the whole range, as those of trained networks do. It draws nothing itself.
 */
import { exportGenerator } from '../../exporters/index.js';
import { findModel } from '../../models/index.js';
import type { Gan } from '../../models/types.js';
import { onnxruntimeNode } from '../../runtimes/onnxruntime-node.js';
import type { GeneratorMetadata } from '../../src/core/metadata.js';
import { normal, uniform } from '../../src/core/random.js';
import { type FloatTensor, plainTensor, sizeOf } from '../../src/core/tensor.js';
import { TRAIN_SUBJECTS } from '../workload.js';

const SEED = 1;

/** A generator's file in the precision that was asked for, and the network behind it. */
export interface ExportedGenerator {
  readonly bytes: Uint8Array;
  readonly metadata: GeneratorMetadata;
  readonly gan: Gan;
  /** By full names, `generator/layer/weight`. */
  readonly weights: Readonly<Record<string, FloatTensor>>;
}

/** Weights by full names: kernels keep the variance of what goes through them, norms scale and shift. */
function drawWeights({ generator }: Gan): Record<string, FloatTensor> {
  return Object.fromEntries(
    generator.weights.map(({ name, shape, initial }) => {
      const full = `generator/${name}`;
      const size = sizeOf(shape);
      if (shape.length < 2) {
        const middle = initial.kind === 'constant' ? initial.value : 1;
        return [full, plainTensor(uniform(SEED, full, 0, size, middle - 0.5, middle + 0.5), shape)];
      }
      // A filter of a transposed convolution is [h, w, out, in], and at stride 2 a quarter of it meets each value.
      const inputs = shape.length === 2 ? shape[0]! : (shape[0]! * shape[1]! * shape[3]!) / 4;
      const gain = Math.sqrt(2 / inputs);
      return [
        full,
        plainTensor(
          normal(SEED, full, 0, size).map((value) => value * gain),
          shape,
        ),
      ];
    }),
  );
}

/**
 * Exports the generator of a subject of the training benchmark; the CPU checks the file.
 *
 * @throws GanError `PARITY` when the file does not draw as the network does
 */
export async function exportSubject(
  subject: string,
  dtype: 'float32' | 'float16',
): Promise<ExportedGenerator> {
  const { model, build } = TRAIN_SUBJECTS[subject]!;
  const gan = findModel(model).build(build);
  const weights = drawWeights(gan);
  const { bytes, metadata } = await exportGenerator(
    { model, gan, weights, imagesSeen: 0, seed: SEED, dataDigest: '' },
    { dtype, openSession: (file) => onnxruntimeNode.open(file, { device: 'cpu' }) },
  );
  return { bytes, metadata, gan, weights };
}
