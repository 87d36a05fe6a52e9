/**
 * Convolution and its transpose over NCHW values with explicit pads, written in TensorFlow.js, which is NHWC.
 * https://onnx.ai/onnx/operators/onnx__Conv.html and onnx__ConvTranspose.html, opset 11
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Attributes } from './attributes.js';
import { type OperatorTable, required } from './operator.js';

const toNhwc = (x: tf.Tensor): tf.Tensor4D => tf.transpose(x as tf.Tensor4D, [0, 2, 3, 1]);
const toNchw = (x: tf.Tensor4D): tf.Tensor4D => tf.transpose(x, [0, 3, 1, 2]);

/** One number for height and one for width. */
function pair(attributes: Attributes, name: string, fallback: number): [number, number] {
  const [height = fallback, width = fallback] = attributes.numbers(name) ?? [];
  return [height, width];
}

/** Adds (or, below zero, cuts off) rows and columns of zeros around x [B, H, W, C]. */
function frame(x: tf.Tensor4D, top: number, left: number, bottom: number, right: number): tf.Tensor4D {
  const added = [top, left, bottom, right].map((count) => Math.max(0, count)) as [
    number,
    number,
    number,
    number,
  ];
  const padded = added.some((count) => count > 0)
    ? tf.pad(x, [
        [0, 0],
        [added[0], added[2]],
        [added[1], added[3]],
        [0, 0],
      ])
    : x;
  const [batch, height, width, channels] = padded.shape;
  const cut = (count: number): number => Math.max(0, -count);
  return tf.slice(
    padded,
    [0, cut(top), cut(left), 0],
    [batch, height - cut(top) - cut(bottom), width - cut(left) - cut(right), channels],
  );
}

export const convolution: OperatorTable = {
  Conv: {
    attributes: {
      strides: 'any',
      pads: 'any',
      dilations: 'any',
      kernel_shape: 'any',
      group: [1],
      auto_pad: ['NOTSET'],
    },
    run(inputs, attributes) {
      const [top = 0, left = 0, bottom = 0, right = 0] = attributes.numbers('pads') ?? [];
      const x = frame(toNhwc(required(inputs, 0)), top, left, bottom, right);
      // [out, in, kH, kW] -> [kH, kW, in, out]
      const filter = tf.transpose(required(inputs, 1) as tf.Tensor4D, [2, 3, 1, 0]);
      const strides = pair(attributes, 'strides', 1);
      const y = tf.conv2d(x, filter, strides, 'valid', 'NHWC', pair(attributes, 'dilations', 1));
      return toNchw(inputs[2] ? tf.add(y, inputs[2]) : y);
    },
  },

  ConvTranspose: {
    attributes: {
      strides: 'any',
      pads: 'any',
      output_padding: 'any',
      kernel_shape: 'any',
      dilations: [[1, 1]],
      group: [1],
      auto_pad: ['NOTSET'],
    },
    run(inputs, attributes) {
      const x = toNhwc(required(inputs, 0));
      // [in, out, kH, kW] -> [kH, kW, out, in]
      const filter = tf.transpose(required(inputs, 1) as tf.Tensor4D, [2, 3, 1, 0]);
      const [down, across] = pair(attributes, 'strides', 1);
      const [batch, height, width] = x.shape;
      const [kernelHeight, kernelWidth, channels] = filter.shape;
      // Everything that any input touches; ONNX's pads then cut it, and output_padding reaches further.
      const whole: [number, number, number, number] = [
        batch,
        (height - 1) * down + kernelHeight,
        (width - 1) * across + kernelWidth,
        channels,
      ];
      const y = tf.conv2dTranspose(x, filter, whole, [down, across], 'valid');
      const [top = 0, left = 0, bottom = 0, right = 0] = attributes.numbers('pads') ?? [];
      const [moreDown, moreAcross] = pair(attributes, 'output_padding', 0);
      const framed = frame(y, -top, -left, moreDown - bottom, moreAcross - right);
      return toNchw(inputs[2] ? tf.add(framed, inputs[2]) : framed);
    },
  },
};
