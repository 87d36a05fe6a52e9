/**
 * Convolutions and their two gradients. tfjs: images NHWC, filters [H, W, in, out]; ONNX: NCHW and [out, in, H, W].
 * Pads are always written out, since `auto_pad` is read differently by different runtimes; "same" with a stride is
 * asymmetric in TensorFlow, and that is what these pads say.
 * ONNX: https://onnx.ai/onnx/operators/onnx__Conv.html, https://onnx.ai/onnx/operators/onnx__ConvTranspose.html
 */
import { backend_util } from '@tensorflow/tfjs-core';
import { GanError } from '../../src/core/errors.js';
import type { Builder } from '../builder.js';
import type { Attributes } from '../kernel.js';
import { NCHW, OIHW, sameList, toPhysical, type Value } from '../value.js';
import { writeBiasAndActivation } from './matmul.js';

type Shape4 = [number, number, number, number];
type Geometry = ReturnType<typeof backend_util.computeConv2DInfo>;

/** Reads the attributes that all convolution kernels share. */
function readGeometry(
  kernel: string,
  attributes: Attributes,
  input: readonly number[],
  filter: readonly number[],
): Geometry {
  attributes.only('dataFormat', 'NHWC');
  const geometry = backend_util.computeConv2DInfo(
    [...input] as Shape4,
    [...filter] as Shape4,
    attributes.get<number | [number, number]>('strides'),
    attributes.optional<number | [number, number]>('dilations') ?? 1,
    attributes.get<'same' | 'valid' | number>('pad'),
    attributes.get<'floor' | 'round' | 'ceil' | undefined>('dimRoundingMode'),
  );
  // The trap: for pads given as one number tfjs takes the filter's height and its stride for the width too.
  const { padInfo, outHeight, outWidth } = geometry;
  const height = geometry.inHeight + padInfo.top + padInfo.bottom - geometry.effectiveFilterHeight;
  const width = geometry.inWidth + padInfo.left + padInfo.right - geometry.effectiveFilterWidth;
  const exact = [
    Math.floor(height / geometry.strideHeight) + 1,
    Math.floor(width / geometry.strideWidth) + 1,
  ];
  if (!sameList(exact, [outHeight, outWidth])) {
    throw new GanError(
      'UNSUPPORTED_OP',
      kernel,
      `Expected an output of ${exact.join(' x ')}, got \`${outHeight} x ${outWidth}\` from TensorFlow.js. ` +
        "Give the pads as 'same', 'valid' or for each side.",
    );
  }
  return geometry;
}

/** ONNX order: all beginnings, then all ends. */
function padsOf({ padInfo }: Geometry): number[] {
  return [padInfo.top, padInfo.left, padInfo.bottom, padInfo.right];
}

function writeConv(builder: Builder, x: Value, filter: Value, geometry: Geometry): Value {
  const inputs = [builder.inLayout(x, [...NCHW]), builder.inLayout(filter, [...OIHW])];
  const extents = toPhysical(geometry.outShape, NCHW);
  const name = builder.node('Conv', inputs, extents, 'float32', {
    kernel_shape: [geometry.filterHeight, geometry.filterWidth],
    strides: [geometry.strideHeight, geometry.strideWidth],
    dilations: [geometry.dilationHeight, geometry.dilationWidth],
    pads: padsOf(geometry),
  });
  return builder.value(name, geometry.outShape, 'float32', [...NCHW]);
}

/** tfjs Conv2D({x, filter}) -> ONNX Conv(X, W). */
export function Conv2D(
  { x, filter }: { x: Value; filter: Value },
  attributes: Attributes,
  builder: Builder,
): Value {
  return writeConv(builder, x, filter, readGeometry('Conv2D', attributes, x.shape, filter.shape));
}

/** tfjs FusedConv2D({x, filter, bias}, {…, activation}) -> ONNX Conv, Add, activation. */
export function FusedConv2D(
  { x, filter, bias }: { x: Value; filter: Value; bias?: Value },
  attributes: Attributes,
  builder: Builder,
): Value {
  const y = writeConv(builder, x, filter, readGeometry('FusedConv2D', attributes, x.shape, filter.shape));
  return writeBiasAndActivation(builder, y, bias, 'FusedConv2D', attributes);
}

/**
 * tfjs Conv2DBackpropInput({dy, filter}, {inputShape}) -> ONNX ConvTranspose(dy, W). This is conv2dTranspose too.
 * The trap: rows that the strided convolution never reached come back as `output_padding`.
 */
export function Conv2DBackpropInput(
  { dy, filter }: { dy: Value; filter: Value },
  attributes: Attributes,
  builder: Builder,
): Value {
  const shape = attributes.get<number[]>('inputShape');
  const geometry = readGeometry('Conv2DBackpropInput', attributes, shape, filter.shape);
  const { strideHeight, strideWidth, filterHeight, filterWidth, padInfo, inHeight, inWidth } = geometry;
  const reachedHeight = (geometry.outHeight - 1) * strideHeight + filterHeight - padInfo.top - padInfo.bottom;
  const reachedWidth = (geometry.outWidth - 1) * strideWidth + filterWidth - padInfo.left - padInfo.right;
  // [in, out, H, W] of the transposed convolution is [out, in, H, W] of the convolution.
  const inputs = [builder.inLayout(dy, [...NCHW]), builder.inLayout(filter, [...OIHW])];
  const name = builder.node('ConvTranspose', inputs, toPhysical(shape, NCHW), 'float32', {
    kernel_shape: [filterHeight, filterWidth],
    strides: [strideHeight, strideWidth],
    pads: padsOf(geometry),
    output_padding: [inHeight - reachedHeight, inWidth - reachedWidth],
  });
  return builder.value(name, shape, 'float32', [...NCHW]);
}

/**
 * tfjs Conv2DBackpropFilter({x, dy}, {filterShape}) -> patches of x side by side, one Gemm with dy.
 * Each filter position is one strided Slice of the padded x; together they are the matrix that the convolution
 * multiplied by, and dW = dyᵀ · patches lies as [out, H, W, in].
 */
export function Conv2DBackpropFilter(
  { x, dy }: { x: Value; dy: Value },
  attributes: Attributes,
  builder: Builder,
): Value {
  const filterShape = attributes.get<number[]>('filterShape');
  const geometry = readGeometry('Conv2DBackpropFilter', attributes, x.shape, filterShape);
  const { padInfo, outHeight, outWidth, strideHeight, strideWidth, filterHeight, filterWidth } = geometry;
  const [batch, , , channels] = x.shape as Shape4;
  const outChannels = filterShape[3]!;
  const plain = builder.inLayout(x); // [B, H, W, I]
  const padded = [
    batch,
    x.shape[1]! + padInfo.top + padInfo.bottom,
    x.shape[2]! + padInfo.left + padInfo.right,
    channels,
  ];
  const pads = [0, padInfo.top, padInfo.left, 0, 0, padInfo.bottom, padInfo.right, 0];
  const source = pads.some((pad) => pad > 0)
    ? builder.node('Pad', [plain, builder.integers(pads)], padded, 'float32', { mode: 'constant' })
    : plain;
  const patches: string[] = [];
  for (let row = 0; row < filterHeight; row++) {
    for (let column = 0; column < filterWidth; column++) {
      const ends = [row + (outHeight - 1) * strideHeight + 1, column + (outWidth - 1) * strideWidth + 1];
      const cut = [[row, column], ends, [1, 2], [strideHeight, strideWidth]].map((list) =>
        builder.integers(list),
      );
      patches.push(
        builder.node('Slice', [source, ...cut], [batch, outHeight, outWidth, channels], 'float32'),
      );
    }
  }
  const width = filterHeight * filterWidth * channels;
  const positions = batch * outHeight * outWidth;
  const whole = builder.node('Concat', patches, [batch, outHeight, outWidth, width], 'float32', { axis: 3 });
  const matrix = builder.node(
    'Reshape',
    [whole, builder.integers([positions, width])],
    [positions, width],
    'float32',
  );
  const gradient = builder.node(
    'Reshape',
    [builder.inLayout(dy), builder.integers([positions, outChannels])],
    [positions, outChannels],
    'float32',
  );
  const product = builder.node('Gemm', [gradient, matrix], [outChannels, width], 'float32', {
    transA: 1,
    transB: 0,
  });
  const layout = [3, 0, 1, 2]; // [out, H, W, in]
  const extents = toPhysical(filterShape, layout);
  const name = builder.node('Reshape', [product, builder.integers(extents)], extents, 'float32');
  return builder.value(name, filterShape, 'float32', layout);
}
