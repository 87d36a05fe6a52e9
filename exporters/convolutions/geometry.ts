/**
 * Sizes, strides and pads of a convolution as numbers, read from the attributes that all of tfjs's convolution kernels
 * share. Pads are always written out, since `auto_pad` is read differently by different runtimes; "same" with a
 * stride is asymmetric in TensorFlow, and that is what these pads say.
 */
import { backend_util } from '@tensorflow/tfjs-core';
import { GanError } from '../../src/core/errors.js';
import type { Attributes } from '../kernel.js';
import { sameList } from '../value.js';

type Shape4 = [number, number, number, number];

/** What tfjs computes of a convolution: extents of its input, filter and output, strides, dilations, pads. */
export type Geometry = ReturnType<typeof backend_util.computeConv2DInfo>;

/**
 * Reads a kernel's attributes.
 *
 * @param input  [B, H, W, in]
 * @param filter [H, W, in, out]
 * @throws GanError `UNSUPPORTED_OP` where tfjs itself states a wrong size
 */
export function readGeometry(
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

/** The pixel, counted row by row, that filter position `tap` reads for output `position`; undefined in the padding. */
export function pixelOf(geometry: Geometry, position: number, tap: number): number | undefined {
  const { outWidth, filterWidth, inHeight, inWidth, padInfo } = geometry;
  const row =
    Math.floor(position / outWidth) * geometry.strideHeight +
    Math.floor(tap / filterWidth) * geometry.dilationHeight -
    padInfo.top;
  const column =
    (position % outWidth) * geometry.strideWidth +
    (tap % filterWidth) * geometry.dilationWidth -
    padInfo.left;
  return row < 0 || column < 0 || row >= inHeight || column >= inWidth ? undefined : row * inWidth + column;
}
