/**
 * A generator in miniature, as a file and, independently, as loops in double precision:
 * latents [B, 6] -> Gemm -> Relu -> [B, 3, 4, 4] -> ConvTranspose (4x4, stride 2, pad 1) -> Tanh -> [B, 8, 8, 2].
 * Random weights far from any default.
 */
import { normal } from '../../src/core/random.js';
import type { FloatTensor } from '../../src/core/tensor.js';
import { encodeModel } from './onnx-model.js';

const LATENT = 6;
const [DEEP, SMALL, SIZE, COLORS, KERNEL] = [3, 4, 8, 2, 4];

function drawWeights(seed: number) {
  return {
    dense: normal(seed, 'dense', 0, LATENT * DEEP * SMALL * SMALL), // [6, 48]
    denseBias: normal(seed, 'dense bias', 0, DEEP * SMALL * SMALL), // [48]
    filter: normal(seed, 'filter', 0, DEEP * COLORS * KERNEL * KERNEL).map((w) => w / 4), // [3, 2, 4, 4]
    filterBias: normal(seed, 'filter bias', 0, COLORS), // [2]
  };
}

/** The file for the weights of `seed`; input `latents`, output `images`, free dimension `batch`. */
export function encodeSmallGenerator(seed: number): Uint8Array {
  const { dense, denseBias, filter, filterBias } = drawWeights(seed);
  return encodeModel({
    inputs: { latents: ['float32', ['batch', LATENT]] },
    outputs: { images: ['float32', ['batch', SIZE, SIZE, COLORS]] },
    constants: {
      dense: [dense, [LATENT, DEEP * SMALL * SMALL]],
      denseBias: [denseBias, [DEEP * SMALL * SMALL]],
      shape: [[0, DEEP, SMALL, SMALL], [4]],
      filter: [filter, [DEEP, COLORS, KERNEL, KERNEL]],
      filterBias: [filterBias, [COLORS]],
    },
    nodes: [
      ['Gemm', ['latents', 'dense', 'denseBias'], ['hidden']],
      ['Relu', ['hidden'], ['active']],
      ['Reshape', ['active', 'shape'], ['planes']],
      [
        'ConvTranspose',
        ['planes', 'filter', 'filterBias'],
        ['wide'],
        { strides: [2, 2], pads: [1, 1, 1, 1] },
      ],
      ['Tanh', ['wide'], ['colors']],
      ['Transpose', ['colors'], ['images'], { perm: [0, 2, 3, 1] }],
    ],
  });
}

/** `batch` latents [B, 6]. */
export function drawLatents(batch: number, seed = 1): FloatTensor {
  return { shape: [batch, LATENT], dtype: 'float32', data: normal(seed, 'z', 0, batch * LATENT) };
}

/** What the generator of `seed` makes of `latents`, [B, 8, 8, 2], by scattering each input over the output. */
export function computeImages(
  seed: number,
  { shape: [batch = 0], data: latents }: FloatTensor,
): Float64Array {
  const { dense, denseBias, filter, filterBias } = drawWeights(seed);
  const units = DEEP * SMALL * SMALL;
  const images = new Float64Array(batch * SIZE * SIZE * COLORS);
  for (let b = 0; b < batch; b++) {
    for (let unit = 0; unit < units; unit++) {
      let sum = denseBias[unit]!;
      for (let i = 0; i < LATENT; i++) sum += latents[b * LATENT + i]! * dense[i * units + unit]!;
      if (sum <= 0) continue;
      const plane = Math.floor(unit / (SMALL * SMALL));
      const row = Math.floor(unit / SMALL) % SMALL;
      const column = unit % SMALL;
      for (let c = 0; c < COLORS; c++) {
        for (let at = 0; at < KERNEL * KERNEL; at++) {
          const y = row * 2 - 1 + Math.floor(at / KERNEL);
          const x = column * 2 - 1 + (at % KERNEL);
          if (y < 0 || y >= SIZE || x < 0 || x >= SIZE) continue;
          images[((b * SIZE + y) * SIZE + x) * COLORS + c]! +=
            sum * filter[(plane * COLORS + c) * KERNEL * KERNEL + at]!;
        }
      }
    }
  }
  return images.map((value, at) => Math.tanh(value + filterBias[at % COLORS]!));
}
