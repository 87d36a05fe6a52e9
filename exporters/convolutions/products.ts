/**
 * Convolutions as one Gemm over the whole batch, everything in tfjs's own NHWC. On ONNX Runtime's CPU a Gemm of these
 * sizes runs near the machine's limit, while Conv and ConvTranspose go image by image and read all weights each time.
 * Patches are gathered pixel by pixel, so no padding is ever written but one pixel of zeros. A layer's patches serve
 * its forward pass and its filter's gradient alike. https://onnx.ai/onnx/operators/onnx__Gather.html
 */
import { sizeOf } from '../../src/core/tensor.js';
import type { Builder } from '../builder.js';
import { plainLayout, type Value } from '../value.js';
import type { ConvolutionForm } from './form.js';
import { type Geometry, pixelOf } from './geometry.js';

/** Pixels of every image in a row, [B, H·W, C]; with one of zeros behind them where somebody reads padding. */
function writePixels(builder: Builder, x: Value, withZero: boolean): string {
  const [batch, height, width, channels] = x.shape as [number, number, number, number];
  const name = builder.inLayout(x);
  const extents = [batch, height * width, channels];
  return builder.once(`pixels ${name} ${withZero}`, () => {
    const pixels = builder.node('Reshape', [name, builder.integers(extents)], extents, 'float32');
    if (!withZero) return pixels;
    const zero = builder.once(`zeros ${batch} ${channels}`, () =>
      builder.graph.addInitializer(`zeros/${batch}x${channels}`, {
        shape: [batch, 1, channels],
        dtype: 'float32',
        data: new Float32Array(batch * channels),
      }),
    );
    return builder.node('Concat', [pixels, zero], [batch, height * width + 1, channels], 'float32', {
      axis: 1,
    });
  });
}

/** Rows `indices` of every image, [B, rows, C] -> [B, n, C]. */
function writeGather(
  builder: Builder,
  rows: string,
  indices: readonly number[],
  batch: number,
  channels: number,
): string {
  const list = builder.once(`indices ${indices}`, () =>
    builder.graph.addInitializer('indices', {
      shape: [indices.length],
      dtype: 'int32',
      data: Int32Array.from(indices),
    }),
  );
  return builder.node('Gather', [rows, list], [batch, indices.length, channels], 'float32', { axis: 1 });
}

/** What each filter position reads for each output position, side by side: [B·H'·W', filter H·W·in]. */
function writePatches(builder: Builder, x: Value, geometry: Geometry): string {
  const { batchSize, inHeight, inWidth, inChannels } = geometry;
  const positions = geometry.outHeight * geometry.outWidth;
  const taps = geometry.filterHeight * geometry.filterWidth;
  const read = Array.from({ length: positions * taps }, (_, i) =>
    pixelOf(geometry, Math.floor(i / taps), i % taps),
  );
  const pixels = writePixels(builder, x, read.includes(undefined));
  const indices = read.map((pixel) => pixel ?? inHeight * inWidth);
  return builder.once(`patches ${pixels} ${taps} ${indices}`, () => {
    const patches = writeGather(builder, pixels, indices, batchSize, inChannels);
    const extents = [batchSize * positions, taps * inChannels];
    return builder.node('Reshape', [patches, builder.integers(extents)], extents, 'float32');
  });
}

/** A filter as a matrix, [H·W·in, out]. */
function writeFilterMatrix(builder: Builder, filter: Value): string {
  const outChannels = filter.shape[3]!;
  const extents = [sizeOf(filter.shape) / outChannels, outChannels];
  const name = builder.inLayout(filter);
  return builder.once(`matrix ${name}`, () =>
    builder.node('Reshape', [name, builder.integers(extents)], extents, 'float32'),
  );
}

function writeReshape(builder: Builder, name: string, shape: readonly number[]): Value {
  return builder.value(builder.node('Reshape', [name, builder.integers(shape)], shape, 'float32'), shape);
}

/** For every pixel of x, which products (output position · taps + tap) add up to its gradient. */
function listContributions(geometry: Geometry): number[][] {
  const taps = geometry.filterHeight * geometry.filterWidth;
  const lists = Array.from({ length: geometry.inHeight * geometry.inWidth }, (): number[] => []);
  for (let i = 0; i < geometry.outHeight * geometry.outWidth * taps; i++) {
    const pixel = pixelOf(geometry, Math.floor(i / taps), i % taps);
    if (pixel !== undefined) lists[pixel]!.push(i);
  }
  return lists;
}

/** Products of more elements than this leave the processor's cache before they are added up. */
const MOST_ELEMENTS = 2 ** 20;

/** Into how many groups of equal size a batch is cut so that a group's products stay in the cache. */
function countGroups(batch: number, elementsPerExample: number): number {
  if (batch * elementsPerExample <= 2 * MOST_ELEMENTS) return 1;
  const divisors = Array.from({ length: batch }, (_, i) => i + 1).filter((count) => batch % count === 0);
  return divisors.find((groups) => (batch / groups) * elementsPerExample <= MOST_ELEMENTS) ?? batch;
}

/** Runs `write` on one group of examples after the other, as the body of a Scan; [B, …] -> [groups, B / groups, …]. */
function writeInGroups(
  builder: Builder,
  x: string,
  groups: number,
  extents: readonly number[],
  write: (inner: Builder, part: string, count: number) => string,
): string {
  const count = extents[0]! / groups;
  const part = [count, ...extents.slice(1)];
  const grouped = writeReshape(builder, x, [groups, ...part]).name;
  const body = builder.graph.openBody(builder.scopedName('group'));
  const input = body.addInput(`${body.name}/examples`, { shape: part, dtype: 'float32' });
  const output = write(builder.inBody(body), input, count);
  body.outputs.push(output);
  const shape = [groups, ...(body.typeOf(output).shape as readonly number[])];
  return builder.node('Scan', [grouped], shape, 'float32', { body: { graph: body }, num_scan_inputs: 1 });
}

/**
 * The gradient of the filter: dW = patchesᵀ · dY, [H, W, in, out].
 *
 * @param x  [B, H, W, in]
 * @param dy [B, H', W', out]
 */
export function writeFilterGradient(builder: Builder, x: Value, dy: Value, geometry: Geometry): Value {
  const { filterShape, outChannels } = geometry;
  const patches = writePatches(builder, x, geometry);
  const positions = sizeOf(dy.shape) / outChannels;
  const gradient = writeReshape(builder, builder.inLayout(dy), [positions, outChannels]).name;
  const extents = [sizeOf(filterShape) / outChannels, outChannels];
  const product = builder.node('Gemm', [patches, gradient], extents, 'float32', { transA: 1, transB: 0 });
  return writeReshape(builder, product, filterShape);
}

/** Patches · filter, and dY · filterᵀ with its overlapping patches added up. */
export const products: ConvolutionForm = {
  filterLayout: plainLayout(4),

  convolve(builder, x, filter, geometry) {
    const { outShape, outChannels } = geometry;
    const inputs = [writePatches(builder, x, geometry), writeFilterMatrix(builder, filter)];
    const extents = [sizeOf(outShape) / outChannels, outChannels];
    return writeReshape(builder, builder.node('Gemm', inputs, extents, 'float32'), outShape);
  },

  transpose(builder, dy, filter, geometry) {
    const { batchSize, inChannels, inShape, outChannels, outHeight, outWidth } = geometry;
    const contributions = listContributions(geometry);
    const most = Math.max(1, ...contributions.map((list) => list.length));
    // Pixels near the border get fewer; the products of a zero pixel stand in for the others.
    const withZero = contributions.some((list) => list.length < most);
    const rows = outHeight * outWidth + Number(withZero);
    const taps = geometry.filterHeight * geometry.filterWidth;
    const pixels = writePixels(builder, dy, withZero); // [B, rows, out]
    const matrix = writeFilterMatrix(builder, filter);

    /** Images of `count` examples: [count, rows, out] -> [count, H·W, in]. */
    const write = (inner: Builder, part: string, count: number): string => {
      const flat = writeReshape(inner, part, [count * rows, outChannels]).name;
      const extents = [count * rows, taps * inChannels];
      const product = inner.node('Gemm', [flat, matrix], extents, 'float32', { transA: 0, transB: 1 });
      const parts = writeReshape(inner, product, [count, rows * taps, inChannels]).name;
      const shape = [count, contributions.length, inChannels];
      return Array.from({ length: most }, (_, i) => {
        const indices = contributions.map((list) => list[i] ?? outHeight * outWidth * taps);
        return writeGather(inner, parts, indices, count, inChannels);
      }).reduce((sum, gathered) => inner.node('Add', [sum, gathered], shape, 'float32'));
    };

    const groups = countGroups(batchSize, rows * taps * inChannels);
    if (groups === 1) return writeReshape(builder, write(builder, pixels, batchSize), inShape);
    const images = writeInGroups(builder, pixels, groups, [batchSize, rows, outChannels], write);
    return writeReshape(builder, images, inShape);
  },
};
