/**
 * Graphs in half precision: where Casts stand, what stays float32, what the numbers become. Statistics are fed with
 * values whose squares half precision cannot hold.
 */
import * as tf from '@tensorflow/tfjs-core';
import '#gradients';
import onnxProto from 'onnx-proto';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Graph } from '../exporters/graph.js';
import { encodeModel } from '../exporters/model-proto.js';
import { toHalf } from '../exporters/passes/half.js';
import { removeUnused } from '../exporters/passes/remove-unused.js';
import { spellHalf } from '../exporters/passes/spell-half.js';
import { trace } from '../exporters/trace.js';
import { loadRuntime } from '../runtimes/index.js';
import type { GanError } from '../src/core/errors.js';
import { decodeHalf, encodeHalf } from '../src/core/half.js';
import { type FloatTensor, plainTensor } from '../src/core/tensor.js';
import { difference, randomTensor, runEager, type TensorFunction } from './support/run-traced.js';
import { openOnCpu } from './support/small-training.js';

const { onnx } = onnxProto;
const X = randomTensor('x', [4, 6]);
const matrix = (name: string, rows: number, columns: number): tf.Tensor2D =>
  tf.tensor2d(randomTensor(name, [rows, columns]).data, [rows, columns]);

function traceGraph(fn: TensorFunction): Graph {
  const graph = trace(fn, { x: { shape: X.shape, dtype: 'float32' } }, { name: 'traced' });
  removeUnused(graph);
  return graph;
}

async function run(graph: Graph, x: FloatTensor = X): Promise<Record<string, FloatTensor>> {
  const session = await openOnCpu(encodeModel(graph));
  try {
    return (await session.run({ x })) as Record<string, FloatTensor>;
  } finally {
    await session.dispose();
  }
}

const operatorsOf = (graph: Graph): string[] => graph.nodes.map(({ op }) => op);

/** The types in which the operators of a kind give their results. */
function typesOf(graph: Graph, op: string): string[] {
  return graph.nodes.filter((node) => node.op === op).map(({ outputs }) => graph.typeOf(outputs[0]!).dtype);
}

/** arXiv:1710.10196, section 4.2: features over the root of their mean square. */
function pixelNorm(x: tf.Tensor): tf.Tensor {
  return tf.div(x, tf.sqrt(tf.add(tf.mean(tf.square(x), -1, true), 1e-8)));
}

beforeAll(async () => {
  tf.enableProdMode();
  await tf.setBackend('cpu');
});

describe('a graph in half precision', () => {
  const layers: TensorFunction = ({ x }) => ({
    y: tf.tanh(tf.matMul(tf.relu(tf.matMul(x as tf.Tensor2D, matrix('a', 6, 5))), matrix('b', 5, 3))),
  });

  it('has one Cast at each border and halves between', () => {
    const source = traceGraph(layers);
    const graph = toHalf(source);
    expect(operatorsOf(graph)).toEqual(['Cast', ...operatorsOf(source), 'Cast']);
    expect([...graph.initializers.values()].map(({ dtype }) => dtype)).toEqual(['float16', 'float16']);
    for (const name of ['x', 'y']) expect(graph.typeOf(name)).toEqual(source.typeOf(name));
    const inner = graph.nodes.flatMap(({ outputs }) => outputs).filter((name) => name !== 'y');
    for (const name of inner) expect(graph.typeOf(name).dtype, name).toBe('float16');
    expect(graph.nodes.map(({ name }) => name)).toEqual([
      'x/Cast',
      ...source.nodes.map(({ name }) => name),
      'y/Cast',
    ]);
  });

  it('leaves the graph that it was made of as it was, and shares its weights', () => {
    const source = traceGraph(layers);
    const before = encodeModel(source);
    const graph = toHalf(source);
    expect(encodeModel(source)).toEqual(before);
    for (const [name, { data }] of graph.initializers) expect(data).toBe(source.initializers.get(name)!.data);
  });

  it('computes the same but for the rounding', async () => {
    const { y: wanted } = await runEager(layers, { x: X });
    const graph = toHalf(traceGraph(layers));
    for (const variant of [graph, spellHalf(graph)]) {
      const { y } = await run(variant);
      // Of sums of up to six products around 1, each rounded by at most 2^-11 of itself; measured: 1e-3.
      expect(difference(y!, wanted!)).toBeLessThan(4e-3);
      expect(difference(y!, wanted!)).toBeGreaterThan(1e-5);
    }
  });

  it('rounds every result where that is spelled out', async () => {
    const graph = toHalf(traceGraph(({ x }) => ({ y: tf.mul(tf.add(x!, 1000), 0.5) })));
    const { y } = await run(spellHalf(graph));
    const round = (values: Float32Array): Float32Array => decodeHalf(encodeHalf(values));
    const sum = round(round(X.data).map((value) => value + 1000));
    expect(y!.data).toEqual(round(sum.map((value) => value * 0.5)));
  });

  it('overflows as a device would, where that is spelled out', async () => {
    const graph = toHalf(traceGraph(({ x }) => ({ y: tf.mul(tf.mul(tf.abs(x!), 60000), 0.001) })));
    const big = plainTensor(new Float32Array(24).fill(3), [4, 6]);
    expect((await run(spellHalf(graph), big)).y!.data[0]).toBe(Number.POSITIVE_INFINITY);
  });

  it('gives outputs that are read inside, and several of them, as float32', async () => {
    const fn: TensorFunction = ({ x }) => {
      const hidden = tf.relu(tf.matMul(x as tf.Tensor2D, matrix('a', 6, 5)));
      return { hidden, mean: tf.mean(hidden, 1), y: tf.matMul(hidden as tf.Tensor2D, matrix('b', 5, 3)) };
    };
    const wanted = await runEager(fn, { x: X });
    const source = traceGraph(fn);
    const graph = toHalf(source);
    expect(graph.outputs).toEqual(source.outputs);
    for (const variant of [graph, spellHalf(graph)]) {
      const results = await run(variant);
      for (const name of ['hidden', 'mean', 'y']) {
        expect(results[name]!.dtype).toBe('float32');
        expect(difference(results[name]!, wanted[name]!), name).toBeLessThan(4e-3);
      }
    }
  });

  it('casts truth to halves, and leaves whole numbers alone', async () => {
    const fn: TensorFunction = ({ x }) => ({
      y: tf.mul(tf.cast(tf.greater(x!, 0), 'float32'), tf.reshape(x!, [4, 6])),
    });
    const graph = toHalf(traceGraph(fn));
    expect(typesOf(graph, 'Greater')).toEqual(['bool']);
    const { y } = await run(graph);
    expect(difference(y!, (await runEager(fn, { x: X })).y!)).toBeLessThan(1e-3);
    const flat = toHalf(traceGraph(({ x }) => ({ y: tf.reshape(tf.relu(x!), [24]) })));
    expect([...flat.initializers.values()].map(({ dtype }) => dtype)).toEqual(['int64']);
  });

  /** The file with the halves of its constants as a list of numbers, as some tools write them. */
  const listHalves = (bytes: Uint8Array): Uint8Array => {
    const model = onnx.ModelProto.decode(bytes);
    for (const tensor of model.graph!.initializer!) {
      tensor.int32Data = [...new Uint16Array(Uint8Array.from(tensor.rawData!).buffer)];
      tensor.rawData = new Uint8Array();
    }
    return onnx.ModelProto.encode(model).finish();
  };

  it.each([
    ['as bytes', (bytes: Uint8Array) => bytes],
    ['as a list', listHalves],
  ])('is read by the reference engine, which computes in float32: %s', async (_, change) => {
    const bytes = change(encodeModel(toHalf(traceGraph(layers))));
    const session = await (await loadRuntime('tensorflow')).open(bytes, { device: 'cpu' });
    const { y } = await session.run({ x: X });
    await session.dispose();
    const rounded = (name: string, rows: number, columns: number): tf.Tensor2D =>
      tf.tensor2d(decodeHalf(encodeHalf(randomTensor(name, [rows, columns]).data)), [rows, columns]);
    const withHalves: TensorFunction = ({ x }) => ({
      y: tf.tanh(tf.matMul(tf.relu(tf.matMul(x as tf.Tensor2D, rounded('a', 6, 5))), rounded('b', 5, 3))),
    });
    expect(y).toEqual((await runEager(withHalves, { x: X })).y);
  });
});

it('a largest value needs no float32', async () => {
  const fn: TensorFunction = ({ x }) => ({ y: tf.max(tf.mul(tf.reshape(x!, [4, 2, 3]), 3), 2) });
  const graph = toHalf(traceGraph(fn));
  expect(typesOf(graph, 'ReduceMax')).toEqual(['float16']);
  expect(typesOf(graph, 'Mul')).toEqual(['float16']);
  expect(difference((await run(graph)).y!, (await runEager(fn, { x: X })).y!)).toBeLessThan(2e-3);
});

describe('a norm in a graph in half precision', () => {
  /** Features of several hundred, whose squares are beyond 65504. */
  const norm: TensorFunction = ({ x }) => {
    const features = tf.mul(tf.matMul(x as tf.Tensor2D, matrix('a', 6, 5)), 400);
    return { y: tf.matMul(tf.relu(pixelNorm(features)) as tf.Tensor2D, matrix('b', 5, 3)) };
  };
  const moments: TensorFunction = ({ x }) => {
    const features = tf.mul(tf.matMul(x as tf.Tensor2D, matrix('a', 6, 5)), 400);
    const { mean, variance } = tf.moments(features, 1, true);
    const normed = tf.div(tf.sub(features, mean), tf.sqrt(tf.add(variance, 1e-5)));
    return { y: tf.matMul(tf.relu(normed) as tf.Tensor2D, matrix('b', 5, 3)) };
  };

  it.each([
    ['of the root of a mean square', norm],
    ['of mean and variance', moments],
  ])('keeps float32: %s', async (_, fn) => {
    const graph = toHalf(traceGraph(fn));
    for (const op of ['ReduceMean', 'Sqrt', 'Div']) {
      expect(typesOf(graph, op).length, op).toBeGreaterThan(0);
      for (const dtype of typesOf(graph, op)) expect(dtype, op).toBe('float32');
    }
    for (const op of ['MatMul', 'Gemm', 'Relu'])
      for (const dtype of typesOf(graph, op)) expect(dtype, op).toBe('float16');
    const { y: wanted } = await runEager(fn, { x: X });
    for (const variant of [graph, spellHalf(graph)]) {
      // Squares of several hundred in half precision would be infinite, and the quotients 0.
      expect(difference((await run(variant)).y!, wanted!)).toBeLessThan(4e-3);
    }
  });

  it('holds a number that both sides read in both types', () => {
    const graph = toHalf(
      traceGraph(({ x }) => {
        const shared = tf.tensor1d(randomTensor('shared', [6]).data);
        return { y: tf.relu(tf.add(tf.relu(tf.mul(pixelNorm(x!), shared)), shared)) };
      }),
    );
    const types = [...graph.initializers.values()].filter(({ shape }) => shape[0] === 6);
    expect(types.map(({ dtype }) => dtype).sort()).toEqual(['float16', 'float32']);
  });
});

describe('a number that is too large for half precision', () => {
  const encodeWith = (value: number): Uint8Array =>
    encodeModel(toHalf(traceGraph(({ x }) => ({ y: tf.add(x!, tf.tensor1d([1, 2, 3, 4, 5, value])) }))));

  it.each([65504, -65504, Number.POSITIVE_INFINITY])('is not %d', (value) => {
    expect(encodeWith(value).length).toBeGreaterThan(0);
  });

  it.each([65505, -1e5, 3e38])('is %d, and refused', (value) => {
    let error: GanError | undefined;
    try {
      encodeWith(value);
    } catch (caught) {
      error = caught as GanError;
    }
    expect(error).toMatchObject({ code: 'PARITY', where: expect.stringMatching(/./) });
    expect(error!.message).toContain(
      `Expected numbers of at most 65504 for half precision, got \`${Math.fround(value)}\`. Export it as float32.`,
    );
  });
});
