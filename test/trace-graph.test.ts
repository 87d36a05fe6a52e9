/**
 * What traced graphs look like: where layouts change, what nodes are called, what stays the same from trace to trace.
 * The rules that a generator's file keeps are checked here on small functions.
 */
import * as tf from '@tensorflow/tfjs-core';
import '#gradients';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Form } from '../exporters/form.js';
import { type Graph, readsOf } from '../exporters/graph.js';
import { encodeModel } from '../exporters/model-proto.js';
import { removeUnused } from '../exporters/passes/remove-unused.js';
import { type TraceInput, trace } from '../exporters/trace.js';
import { difference, randomTensor, runEager, runTraced, specsOf } from './support/run-traced.js';

type One = (x: tf.Tensor) => tf.Tensor;

/** Traces a function of one float32 input. */
function traceOne(run: One, shape: readonly number[] = [4, 3]): Graph {
  return trace(({ x }) => ({ y: run(x!) }), { x: { shape, dtype: 'float32' } }, { name: 'traced' });
}

/** The graph's operators in order, without those that only read constants. */
function operatorsOf(graph: Graph): string[] {
  const constant = new Set(graph.initializers.keys());
  return graph.nodes.flatMap(({ op, inputs, outputs }) => {
    if (!inputs.every((input) => constant.has(input))) return [op];
    for (const output of outputs) constant.add(output);
    return [];
  });
}

beforeAll(async () => {
  tf.enableProdMode();
  await tf.setBackend('cpu');
});

describe('the graph', () => {
  const filter = (name: string, shape: [number, number, number, number]): tf.Tensor4D =>
    tf.tensor(randomTensor(name, shape).data, shape);
  const vector = (name: string, size: number): tf.Tensor1D =>
    tf.tensor(randomTensor(name, [size]).data, [size]);

  it('is the same bytes for the same function', () => {
    const step: One = (x) =>
      tf.grad((y) => tf.mean(tf.softplus(tf.conv2d(y as tf.Tensor4D, filter('f', [3, 3, 3, 2]), 2, 'same'))))(
        x,
      );
    expect(encodeModel(traceOne(step, [2, 5, 6, 3]))).toEqual(encodeModel(traceOne(step, [2, 5, 6, 3])));
  });

  it('stays in NCHW between convolutions', () => {
    const graph = traceOne(
      (x) => {
        const y = tf.relu(
          tf.add(tf.conv2d(x as tf.Tensor4D, filter('f', [3, 3, 3, 4]), 1, 'same'), vector('b', 4)),
        );
        return tf.conv2d(y as tf.Tensor4D, filter('g', [3, 3, 4, 2]), 1, 'same');
      },
      [2, 5, 6, 3],
    );
    expect(operatorsOf(graph)).toEqual(['Transpose', 'Conv', 'Add', 'Relu', 'Conv', 'Transpose']);
  });

  it('writes no Transpose at all where input and output lie in NCHW', () => {
    const nchw = [0, 3, 1, 2];
    const graph = trace(
      ({ x }) => {
        const y = tf.leakyRelu(
          tf.conv2dTranspose(x as tf.Tensor4D, filter('f', [4, 4, 5, 3]), [2, 8, 6, 5], 2, 'same'),
        );
        const z = tf.batchNorm4d(
          y as tf.Tensor4D,
          vector('m', 5),
          tf.abs(vector('v', 5)),
          vector('o', 5),
          vector('s', 5),
        );
        return { y: tf.tanh(tf.add(z, tf.mul(z, 2))) };
      },
      { x: { shape: [2, 4, 3, 3], dtype: 'float32', layout: nchw } },
      { name: 'generator', outputLayouts: { y: nchw } },
    );
    expect(operatorsOf(graph)).not.toContain('Transpose');
    expect(graph.typeOf('y').shape).toEqual([2, 5, 8, 6]);
  });

  it('adds a bias to rows without a Reshape', () => {
    const graph = traceOne((x) => tf.relu(tf.add(tf.matMul(x, tf.ones([3, 2])), vector('b', 2))));
    expect(operatorsOf(graph)).toEqual(['Gemm', 'Add', 'Relu']);
  });

  it('names nodes after the scopes that they are traced in', () => {
    const graph = traceOne((x) => tf.tidy('generator', () => tf.tidy('first', () => tf.relu(tf.exp(x)))));
    expect(graph.nodes.map(({ name }) => name)).toEqual(['generator/first/Exp', 'generator/first/Relu']);
  });

  it('has one output twice where a function returns one tensor under two names', async () => {
    const inputs = { x: randomTensor('x', [2, 3]) };
    const run = ({ x }: Record<string, tf.Tensor>): Record<string, tf.Tensor> => {
      const y = tf.exp(x!);
      return { y, z: y, x_again: x! };
    };
    const traced = await runTraced(run, inputs);
    expect(Object.keys(traced)).toEqual(['y', 'z', 'x_again']);
    expect(traced.z!.data).toEqual(traced.y!.data);
    expect(traced.x_again!.data).toEqual(inputs.x.data);
  });

  it('computes a gradient of a gradient', async () => {
    const inputs = {
      x: randomTensor('x', [2, 7, 6, 3]),
      f: randomTensor('f', [3, 3, 3, 4]),
      w: randomTensor('w', [4, 1]),
    };
    // The R1 penalty of a small discriminator (arXiv:1801.04406), by its weights.
    const penalty = (x: tf.Tensor, f: tf.Tensor, w: tf.Tensor): tf.Scalar => {
      const logits = (images: tf.Tensor): tf.Scalar => {
        const y = tf.conv2d(images as tf.Tensor4D, f as tf.Tensor4D, 2, 'same');
        const leaky = tf.sub(tf.relu(y), tf.mul(tf.relu(tf.neg(y)), 0.2));
        return tf.sum(tf.softplus(tf.matMul(tf.mean(leaky, [1, 2]), w)));
      };
      return tf.sum(tf.square(tf.grad(logits)(x)));
    };
    const run = ({ x, f, w }: Record<string, tf.Tensor>): Record<string, tf.Tensor> => {
      const { value, grads } = tf.valueAndGrads((...weights: tf.Tensor[]) =>
        penalty(x!, weights[0]!, weights[1]!),
      )([f!, w!]);
      return { value, f_slope: grads[0]!, w_slope: grads[1]! };
    };
    const traced = await runTraced(run, inputs);
    const eager = await runEager(run, inputs);
    for (const name of ['value', 'f_slope', 'w_slope'])
      expect(difference(traced[name]!, eager[name]!)).toBeLessThan(2e-6);
  });

  it('declares its inputs even where nothing reads them', () => {
    const specs = specsOf({ x: randomTensor('x', [2]), unused: randomTensor('u', [3]) });
    expect(trace(({ x }) => ({ y: tf.neg(x!) }), specs, { name: 'traced' }).inputs).toEqual(['x', 'unused']);
  });
});

describe('the form for a CPU', () => {
  const inputs = (batch: number): Record<string, TraceInput> => ({
    x: { shape: [batch, 32, 32, 64], dtype: 'float32' },
    filter: { shape: [4, 4, 64, 8], dtype: 'float32' },
  });
  const tracedAs = (form: Form, batch = 2): Graph => {
    const graph = trace(
      ({ x, filter }) => {
        const loss = (image: tf.Tensor, kernel: tf.Tensor): tf.Scalar =>
          tf.sum(tf.softplus(tf.conv2d(image as tf.Tensor4D, kernel as tf.Tensor4D, 2, 'same')));
        const [byImage, byFilter] = tf.grads(loss)([x!, filter!]);
        return { byImage: byImage!, byFilter: byFilter! };
      },
      inputs(batch),
      { name: 'traced', form },
    );
    removeUnused(graph);
    return graph;
  };
  const countOf = (graph: Graph, operator: string): number =>
    operatorsOf(graph).filter((op) => op === operator).length;

  it('makes products of convolutions and keeps NHWC', () => {
    const graph = tracedAs('products');
    expect(operatorsOf(graph)).not.toContain('Conv');
    expect(operatorsOf(graph)).not.toContain('ConvTranspose');
    expect(operatorsOf(graph)).not.toContain('Transpose');
    expect(countOf(graph, 'Gemm')).toBe(3);
    // The forward pass and the filter's gradient share their patches; the others are of the four overlaps.
    expect(countOf(graph, 'Gather')).toBe(1 + 4);
    expect(operatorsOf(tracedAs('operators'))).toContain('ConvTranspose');
  });

  it('works through a large batch group by group, and takes no names twice', () => {
    const graph = tracedAs('products', 16);
    const [scan] = graph.nodes.filter(({ op }) => op === 'Scan');
    const { body } = scan!.attributes as { body: { graph: Graph } };
    expect(body.graph.nodes.map(({ op }) => op)).toContain('Gemm');
    expect(readsOf(scan!).length).toBeGreaterThan(scan!.inputs.length); // the filter comes from around it
    const names = [graph, body.graph].flatMap(({ nodes, initializers }) => [
      ...nodes.flatMap(({ outputs }) => outputs),
      ...initializers.keys(),
    ]);
    expect(new Set(names).size).toBe(names.length);
  });

  it('keeps what only a body reads', () => {
    const graph = tracedAs('products', 16);
    const known = new Set([
      ...graph.inputs,
      ...graph.initializers.keys(),
      ...graph.nodes.flatMap(({ outputs }) => outputs),
    ]);
    expect(graph.nodes.flatMap(readsOf).filter((tensor) => !known.has(tensor))).toEqual([]);
  });
});
