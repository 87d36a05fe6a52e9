/**
 * Convolutions and both of their gradients over kernel sizes, strides, pads, dilations and parities of size. "same" with
 * a stride pads unevenly, and a strided convolution leaves rows that it never reached: each is a way to get it wrong.
 */
import * as tf from '@tensorflow/tfjs-core';
import { describe } from 'vitest';
import * as convolution from '../exporters/kernels/convolution.js';
import {
  differentiable,
  forward,
  type KernelCase,
  type KernelCases,
  testKernels,
} from './support/kernel-cases.js';
import { fromNchw } from './support/views.js';

type Cases = Record<string, KernelCase>;

const KERNELS = [
  [1, 1],
  [2, 2],
  [3, 3],
  [4, 4],
  [5, 5],
  [3, 2],
  [1, 4],
] as const;
const SIZES = [
  [6, 6],
  [7, 7],
  [6, 7],
  [8, 5],
] as const;
const STRIDES = [1, 2, 3, [1, 2]] as const;
const PADS = ['same', 'valid', 0, 1, 2] as const;

/** What one case convolves. */
interface Setup {
  readonly kernel: readonly [number, number];
  readonly size: readonly [number, number];
  readonly stride: (typeof STRIDES)[number];
  readonly pad: (typeof PADS)[number];
}

/** Whether tfjs's output size is right for pads of one number: it computes the width as it does the height. */
function isEven({ kernel, size, stride, pad }: Setup): boolean {
  if (typeof pad === 'string') return true;
  if (typeof stride !== 'number' || kernel[0] !== kernel[1] || pad >= kernel[0]) return false;
  return size.every((extent) => (extent - kernel[0] + 2 * pad) % stride === 0);
}

/** Every geometry to try, by name. */
function geometries(): [string, Setup][] {
  const all = KERNELS.flatMap((kernel) =>
    SIZES.flatMap((size) =>
      STRIDES.flatMap((stride) => PADS.map((pad): Setup => ({ kernel, size, stride, pad }))),
    ),
  );
  return all
    .filter(isEven)
    .map((setup) => [`${setup.kernel} over ${setup.size} by ${setup.stride}, ${setup.pad}`, setup]);
}

const convolve = (x: tf.Tensor, filter: tf.Tensor, { stride, pad }: Setup): tf.Tensor =>
  tf.conv2d(x as tf.Tensor4D, filter as tf.Tensor4D, stride as number, pad);

const conv2d: Cases = {
  ...Object.fromEntries(
    geometries().map(([name, setup]) => [
      name,
      forward((x, filter) => convolve(x, filter, setup), [2, ...setup.size, 3], [...setup.kernel, 3, 2]),
    ]),
  ),
  ...Object.fromEntries(
    KERNELS.flatMap((kernel) =>
      (kernel[0] === kernel[1] ? PADS : (['same', 'valid'] as const)).map((pad) => [
        `${kernel} dilated, ${pad}`,
        forward(
          (x, filter) => tf.conv2d(x as tf.Tensor4D, filter as tf.Tensor4D, 1, pad, 'NHWC', [2, 2]),
          [2, 10, 9, 3],
          [...kernel, 3, 2],
        ),
      ]),
    ),
  ),
  'pads of its own': forward(
    (x, filter) =>
      tf.conv2d(x as tf.Tensor4D, filter as tf.Tensor4D, 1, [
        [0, 0],
        [1, 0],
        [0, 2],
        [0, 0],
      ]),
    [2, 6, 5, 3],
    [3, 2, 3, 2],
  ),
  'rounded down': forward(
    (x, filter) => tf.conv2d(x as tf.Tensor4D, filter as tf.Tensor4D, 2, 1, 'NHWC', 1, 'floor'),
    [2, 6, 5, 3],
    [3, 3, 3, 2],
  ),
  'one image without batch': differentiable(
    (x, filter) => tf.conv2d(x as tf.Tensor3D, filter as tf.Tensor4D, 2, 'same'),
    [7, 6, 3],
    [3, 3, 3, 2],
  ),
  'nchw in, transposed filter, bias, relu': differentiable(
    (x, filter, bias) =>
      tf.relu(
        tf.add(tf.conv2d(fromNchw(x) as tf.Tensor4D, tf.transpose(filter) as tf.Tensor4D, 2, 'same'), bias),
      ),
    [2, 3, 7, 6],
    [2, 3, 4, 3],
    [2],
  ),
  'twice, with a skip': differentiable(
    (x, first, second) => {
      const y = tf.leakyRelu(
        tf.conv2d(x as tf.Tensor4D, first as tf.Tensor4D, 1, 'same'),
        0.2,
      ) as tf.Tensor4D;
      return tf.mean(tf.add(tf.conv2d(y, second as tf.Tensor4D, 1, 'same'), x), [1, 2]);
    },
    [2, 5, 4, 3],
    [3, 3, 3, 4],
    [4, 4, 4, 3],
  ),
  'over a broadcast view': differentiable(
    (x, filter) =>
      tf.conv2d(tf.broadcastTo(x, [2, 6, 5, 3]) as tf.Tensor4D, filter as tf.Tensor4D, 1, 'same'),
    [2, 1, 1, 3],
    [3, 3, 3, 2],
  ),
};

/** conv2dTranspose back to `size`, as tfjs's Conv2DBackpropInput. */
function transposed(setup: Setup): KernelCase {
  const { outHeight, outWidth } = tf.backend_util.computeConv2DInfo(
    [2, ...setup.size, 2],
    [...setup.kernel, 2, 3],
    setup.stride as number,
    1,
    setup.pad,
  );
  return forward(
    (dy, filter) =>
      tf.conv2dTranspose(
        dy as tf.Tensor4D,
        filter as tf.Tensor4D,
        [2, ...setup.size, 2],
        setup.stride as number,
        setup.pad,
      ),
    [2, outHeight, outWidth, 3],
    [...setup.kernel, 2, 3],
  );
}

// More channels than above, since pixels of few channels are gathered in a way of their own.
const gradientsByBoth: Cases = Object.fromEntries(
  geometries().map(([name, setup]) => [
    name,
    differentiable((x, filter) => convolve(x, filter, setup), [1, ...setup.size, 6], [...setup.kernel, 6, 3]),
  ]),
);

const backpropInput: Cases = {
  ...Object.fromEntries(geometries().map(([name, setup]) => [name, transposed(setup)])),
  ...Object.fromEntries(
    (
      [
        [2, 1],
        [4, 2],
        [5, 2],
        [3, 3],
      ] as const
    ).map(([kernel, stride]) => [
      `gradients of ${kernel} by ${stride}`,
      differentiable(
        (z, filter, bias) =>
          tf.tanh(
            tf.add(
              tf.conv2dTranspose(
                fromNchw(z) as tf.Tensor4D,
                filter as tf.Tensor4D,
                [2, 4 * stride, 3 * stride, 3],
                stride,
                'same',
              ),
              bias,
            ),
          ),
        [2, 2, 4, 3],
        [kernel, kernel, 3, 2],
        [3],
      ),
    ]),
  ),
  // So many products that they are made group by group; the second filter is made inside the graph.
  'a large batch, twice': forward(
    (z, filter) =>
      ['same', 'valid'].reduce<tf.Tensor>(
        (sum, pad) =>
          tf.add(
            sum,
            tf.slice(
              tf.mean(
                tf.conv2dTranspose(
                  z as tf.Tensor4D,
                  tf.mul(filter, pad === 'same' ? 1 : 2) as tf.Tensor4D,
                  [6, 64 + (pad === 'same' ? 0 : 2), 64 + (pad === 'same' ? 0 : 2), 32],
                  2,
                  pad as 'same',
                ),
                0,
              ),
              [0, 0, 0],
              [64, 64, 32],
            ),
          ),
        tf.scalar(0),
      ),
    [6, 32, 32, 2],
    [4, 4, 32, 2],
  ),
  // The same for a stride of 1, which is written as patches of dY; 6 channels, since few are written otherwise.
  'a large batch by stride 1': forward(
    (z, filter) =>
      tf.mean(tf.conv2dTranspose(z as tf.Tensor4D, filter as tf.Tensor4D, [6, 24, 24, 6], 1, 'same'), 0),
    [6, 24, 24, 32],
    [5, 5, 6, 32],
  ),
};

const fused: Cases = Object.fromEntries(
  (['linear', 'relu', 'sigmoid', 'leakyrelu'] as const).flatMap((activation) =>
    (['same', 'valid'] as const).flatMap((pad) => [
      [
        `${activation}, ${pad}`,
        differentiable(
          (x, filter) =>
            tf.fused.conv2d({
              x: x as tf.Tensor4D,
              filter: filter as tf.Tensor4D,
              strides: 2,
              pad,
              activation,
              leakyreluAlpha: 0.1,
            }),
          [2, 7, 6, 3],
          [3, 4, 3, 2],
        ),
      ],
      [
        `bias and ${activation}, ${pad}`,
        differentiable(
          (x, filter, bias) =>
            tf.fused.conv2d({
              x: fromNchw(x) as tf.Tensor4D,
              filter: filter as tf.Tensor4D,
              strides: 1,
              pad,
              bias,
              activation,
              leakyreluAlpha: 0.3,
            }),
          [2, 3, 7, 6],
          [3, 4, 3, 2],
          [2],
        ),
      ],
    ]),
  ),
);

const table: KernelCases = {
  Conv2D: conv2d,
  Conv2DBackpropFilter: gradientsByBoth,
  Conv2DBackpropInput: backpropInput,
  FusedConv2D: fused,
};

describe.each(['operators', 'products'] as const)('convolutions as %s', (form) => {
  testKernels(convolution, table, form);
});
