/**
 * Parity of sampling: a generator at full size, exported as `ganx export` does it and drawn from on one device, against
 * the live network. Its weights are drawn so that every layer's values spread over the whole range.
 */
import { exportGenerator, openLiveGenerator } from '../../exporters/index.js';
import { findModel } from '../../models/index.js';
import { listDevices } from '../../runtimes/index.js';
import { onnxruntimeNode } from '../../runtimes/onnxruntime-node.js';
import { normal, uniform } from '../../src/core/random.js';
import { type FloatTensor, plainTensor, sizeOf } from '../../src/core/tensor.js';
import { measureParity, type ParityRow } from '../../src/measure/index.js';

const SEED = 1;
const MODEL = 'dcgan';
const BUILD = { imageShape: [28, 28, 1], width: 64 } as const;
const LATENTS = 32;
const BATCHES = [1, 5, 32];

/** What {@link compareSampling} draws from, for titles. */
export const GENERATOR = 'DCGAN 28x28, width 64';

/** Weights by full names: kernels keep the variance of what goes through them, norms scale and shift. */
function drawWeights(generator: ReturnType<typeof makeGan>['generator']): Record<string, FloatTensor> {
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

function makeGan() {
  return findModel(MODEL).build(BUILD);
}

/**
 * Draws on one device of onnxruntime-node and compares.
 *
 * @param tolerance instead of the one for the device
 */
export async function compareSampling(device: string, tolerance?: number): Promise<ParityRow> {
  const gan = makeGan();
  const weights = drawWeights(gan.generator);
  const { bytes, metadata } = await exportGenerator(
    { model: MODEL, gan, weights, imagesSeen: 0, seed: SEED, dataDigest: '' },
    { openSession: (model) => onnxruntimeNode.open(model, { device: 'cpu' }) },
  );
  const candidates = (await listDevices()).filter(
    (candidate) => candidate.runtime === onnxruntimeNode.name && candidate.device === device,
  );
  const live = await openLiveGenerator(gan, weights);
  try {
    const tolerances = tolerance === undefined ? {} : { [device]: tolerance };
    const report = await measureParity(bytes, metadata, live, candidates, {
      latents: LATENTS,
      batches: BATCHES,
      tolerances,
    });
    return report.rows[0]!;
  } finally {
    await live.dispose();
  }
}
