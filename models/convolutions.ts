/**
 * Convolution layers and their transposes, NHWC. Pads are "same" unless a layer states them.
 * https://www.tensorflow.org/api_docs/python/tf/nn#notes_on_padding_2
 */
import * as tf from '@tensorflow/tfjs-core';
import { biasOf, type Layer } from './layers.js';
import type { Initial } from './types.js';

/** What may differ between convolutions. */
export interface ConvolutionOptions {
  /** Whether each output channel has a bias; true when absent. */
  readonly bias?: boolean;
  /** Rows and columns of zeros around the larger image; "same" when absent. */
  readonly pad?: number;
}

/** TensorFlow.js refuses a way of rounding beside `same`, which leaves nothing to round. */
function roundingOf(pad: number | undefined): 'floor' | undefined {
  return pad === undefined ? undefined : 'floor';
}

/** Convolution, [B, H, W, in] -> [B, ⌈H/stride⌉, ⌈W/stride⌉, out]; with a pad [B, (H + 2·pad − size)/stride + 1, …]. */
export function conv(
  name: string,
  inputs: number,
  outputs: number,
  size: number,
  stride: number,
  initial: Initial,
  { bias = true, pad }: ConvolutionOptions = {},
): Layer {
  return convolution(name, [size, size, inputs, outputs], outputs, initial, bias, (x, kernel) =>
    tf.conv2d(x, kernel, stride, pad ?? 'same', 'NHWC', 1, roundingOf(pad)),
  );
}

/** Transposed convolution, [B, H, W, in] -> [B, H·stride, W·stride, out]; with a pad [B, (H − 1)·stride + size − 2·pad, …]. */
export function convTranspose(
  name: string,
  inputs: number,
  outputs: number,
  size: number,
  stride: number,
  initial: Initial,
  { bias = true, pad }: ConvolutionOptions = {},
): Layer {
  const grow = (side: number): number =>
    pad === undefined ? side * stride : (side - 1) * stride + size - 2 * pad;
  return convolution(name, [size, size, outputs, inputs], outputs, initial, bias, (x, kernel) => {
    const [batch, height, width] = x.shape;
    const shape: [number, number, number, number] = [batch, grow(height), grow(width), outputs];
    return tf.conv2dTranspose(x, kernel, shape, stride, pad ?? 'same', roundingOf(pad));
  });
}

function convolution(
  name: string,
  shape: readonly number[],
  outputs: number,
  initial: Initial,
  withBias: boolean,
  apply: (x: tf.Tensor4D, kernel: tf.Tensor4D) => tf.Tensor,
): Layer {
  const kernel = `${name}/kernel`;
  const bias = `${name}/bias`;
  return {
    name,
    weights: [
      { name: kernel, shape, initial, trainable: true },
      ...(withBias ? [biasOf(bias, [outputs])] : []),
    ],
    apply: (x, { weights }) => {
      const y = apply(x as tf.Tensor4D, weights[kernel] as tf.Tensor4D);
      return withBias ? tf.add(y, weights[bias]!) : y;
    },
  };
}
