/**
 * The built-in networks of `ganx parity --all`: every kind of generator, with weights that are drawn so that each
 * layer's values spread over the whole range and an error anywhere shows in the images. They were never trained.
 */
import type { ExportSource } from '../../exporters/index.js';
import { type BuildOptions, findModel, type WeightSpec } from '../../models/index.js';
import { normal, uniform } from '../core/random.js';
import { type FloatTensor, plainTensor, sizeOf } from '../core/tensor.js';

const SEED = 1;

/** The MLP at the paper's width; the DCGANs at a quarter and an eighth of theirs, for two cores and software GPUs. */
const NETWORKS: readonly { readonly model: string; readonly options: BuildOptions }[] = [
  { model: 'mlp', options: { imageShape: [28, 28, 1], width: 1200 } },
  { model: 'dcgan', options: { imageShape: [28, 28, 1], width: 32 } },
  { model: 'dcgan', options: { imageShape: [64, 64, 3], width: 16 } },
];

/** Kernels keep the variance of what goes through them; norms scale and shift, biases shift. */
function drawWeight({ name, shape, initial }: WeightSpec): FloatTensor {
  const size = sizeOf(shape);
  if (shape.length < 2) {
    const middle = initial.kind === 'constant' ? initial.value : 1;
    return plainTensor(uniform(SEED, name, 0, size, middle - 0.4, middle + 0.4), shape);
  }
  // A filter of a transposed convolution is [h, w, out, in], and at stride 2 a quarter of it meets each value.
  const inputs = shape.length === 2 ? shape[0]! : (shape[0]! * shape[1]! * shape[3]!) / 4;
  const deviation = Math.sqrt(1.5 / inputs);
  return plainTensor(
    normal(SEED, name, 0, size).map((value) => value * deviation),
    shape,
  );
}

/** Builds the networks anew, small ones first. */
export function makeNetworks(): ExportSource[] {
  return NETWORKS.map(({ model, options }) => {
    const gan = findModel(model).build(options);
    const weights = gan.generator.weights.map((spec) => [`generator/${spec.name}`, drawWeight(spec)]);
    return {
      model,
      gan,
      weights: Object.fromEntries(weights),
      imagesSeen: 0,
      seed: SEED,
      dataDigest: '',
    };
  });
}
