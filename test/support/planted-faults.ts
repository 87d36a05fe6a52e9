/**
 * Planted faults for the tests of bisecting: a file with one altered weight, and devices that are real but for what
 * they do to each file before they open it.
 */
import onnxProto, { type onnx } from 'onnx-proto';
import type { Side } from '../../exporters/bisect/index.js';
import { onnxruntimeNode } from '../../runtimes/onnxruntime-node.js';
import { tensorflow } from '../../runtimes/tensorflow.js';
import type { Session } from '../../src/core/types.js';
import { encodeModel } from './onnx-model.js';
import { drawLatents, encodeSmallGenerator } from './small-generator.js';

export const openHere = (bytes: Uint8Array): Promise<Session> =>
  onnxruntimeNode.open(bytes, { device: 'cpu', threads: 1 });
export const openReference = (bytes: Uint8Array): Promise<Session> =>
  tensorflow.open(bytes, { device: 'cpu' });

export const GOOD = encodeSmallGenerator(7);
export const feeds = { latents: drawLatents(3) };

/** The file with something changed. */
export function alter(bytes: Uint8Array, change: (graph: onnx.IGraphProto) => void): Uint8Array {
  // A copy, since the decoded weights are views into the bytes.
  const model = onnxProto.onnx.ModelProto.decode(Uint8Array.from(bytes));
  change(model.graph!);
  return onnxProto.onnx.ModelProto.encode(model).finish();
}

/** A device that is real but for what it does to each file before it opens it. */
export function brokenDevice(change: (graph: onnx.IGraphProto) => void): Side['open'] {
  return (bytes) => openHere(alter(bytes, change));
}

/** One of 96 weights of a layer is another. */
export function alterWeight(): Uint8Array {
  return alter(GOOD, (graph) => {
    const filter = graph.initializer!.find(({ name }) => name === 'filter')!;
    new DataView(filter.rawData!.buffer, filter.rawData!.byteOffset).setFloat32(4 * 17, 0.75, true);
  });
}

export const MASKED = encodeModel({
  inputs: { x: ['float32', ['batch', 3]] },
  outputs: { y: ['float32', ['batch', 3]] },
  constants: { two: [Float32Array.of(2), []] },
  nodes: [
    ['Shape', ['x'], ['shape']],
    ['ConstantOfShape', ['shape'], ['zeros']],
    ['Greater', ['x', 'zeros'], ['mask']],
    ['Mul', ['x', 'two'], ['double']],
    ['Where', ['mask', 'double', 'x'], ['y']],
  ],
});
export const MASKED_INPUT = {
  shape: [2, 3],
  dtype: 'float32',
  data: Float32Array.of(1, -2, 3, -4, 5, -6),
} as const;
