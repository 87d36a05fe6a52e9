/**
 * The losses of a GAN from logits, batch means (arXiv:1406.2661). With l = logit of D, D = σ(l):
 * −log D = softplus(−l) and −log(1 − D) = softplus(l), which do not overflow.
 */
import * as tf from '@tensorflow/tfjs-core';

/** The generator's two losses of the paper. */
export type LossName = 'non-saturating' | 'minimax';

/** D's loss, −½·V of equation 1: ½·[−log D(x) − log(1 − D(G(z)))]; log 2 where D cannot tell. */
export function discriminatorLoss(real: tf.Tensor, fake: tf.Tensor): tf.Scalar {
  const both = tf.add(tf.mean(tf.softplus(tf.neg(real))), tf.mean(tf.softplus(fake)));
  return tf.mul(both, 0.5) as tf.Scalar;
}

/** G's loss: −log D(G(z)) (section 3, "rather than …"), or log(1 − D(G(z))) of equation 1. */
export function generatorLoss(fake: tf.Tensor, loss: LossName): tf.Scalar {
  if (loss === 'minimax') return tf.neg(tf.mean(tf.softplus(fake))) as tf.Scalar;
  return tf.mean(tf.softplus(tf.neg(fake))) as tf.Scalar;
}
