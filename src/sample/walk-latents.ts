/**
 * The way from one latent to another, along which a generator's images change smoothly.
 * K. Shoemake, "Animating rotation with quaternion curves", SIGGRAPH 1985; arXiv:1609.04468 for latents.
 */
import { expected } from '../core/errors.js';
import { type FloatTensor, plainTensor } from '../core/tensor.js';
import type { LatentShape } from './latents.js';

/** Along the arc where latents are normal, or straight. */
export type WalkMethod = 'slerp' | 'lerp';

/** Below this angle (radians) the arc and the straight line agree to the last bit of a float32. */
const STRAIGHT_BELOW = 1e-4;

function lengthOf(vector: Float32Array): number {
  return Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0));
}

/**
 * Walks from one latent to another. Normal latents go along the arc between them, since almost all of them lie at
 * about the same distance from zero and the middle of a straight line would be none of them; uniform ones go straight,
 * as do all with `lerp`.
 * The ends are the given latents bit for bit; between them the last bit may depend on the engine's `Math.sin`.
 *
 * @param from  [1, L]
 * @param to    [1, L]
 * @param steps at least 2, both ends included
 * @param method `lerp` goes straight for normal latents too, as Fig. 3 of arXiv:1406.2661 does
 * @returns [steps, L]
 * @throws GanError `BAD_ARGUMENT` for latents of another shape, too few steps, or another method
 */
export function walkLatents(
  shape: LatentShape,
  from: FloatTensor,
  to: FloatTensor,
  steps: number,
  method: WalkMethod = 'slerp',
): FloatTensor {
  const { latentSize, latentDistribution } = shape;
  for (const { shape: extents } of [from, to]) {
    if (extents.length !== 2 || extents[0] !== 1 || extents[1] !== latentSize) {
      throw expected('walk', `one latent [1, ${latentSize}]`, `[${extents.join(', ')}]`);
    }
  }
  if (!Number.isSafeInteger(steps) || steps < 2) throw expected('walk', 'at least 2 steps', String(steps));
  if (method !== 'slerp' && method !== 'lerp') throw expected('walk', 'slerp or lerp', method);
  const lengths = lengthOf(from.data) * lengthOf(to.data);
  const product = from.data.reduce((sum, value, i) => sum + value * to.data[i]!, 0);
  const angle = lengths > 0 ? Math.acos(Math.min(1, Math.max(-1, product / lengths))) : 0;
  // Opposite latents have no shortest arc, and the straight line is as good as any.
  const isStraight =
    method === 'lerp' ||
    latentDistribution === 'uniform' ||
    angle < STRAIGHT_BELOW ||
    Math.PI - angle < STRAIGHT_BELOW;
  const data = new Float32Array(steps * latentSize);
  for (let step = 0; step < steps; step++) {
    const t = step / (steps - 1);
    const before = isStraight ? 1 - t : Math.sin((1 - t) * angle) / Math.sin(angle);
    const after = isStraight ? t : Math.sin(t * angle) / Math.sin(angle);
    for (let i = 0; i < latentSize; i++) {
      data[step * latentSize + i] = before * from.data[i]! + after * to.data[i]!;
    }
  }
  data.set(from.data, 0);
  data.set(to.data, (steps - 1) * latentSize);
  return plainTensor(data, [steps, latentSize]);
}
