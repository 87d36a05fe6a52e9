/** The graph as data: names of outputs that collide, nodes that are bypassed, and that ONNX Runtime takes the result. */
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { Graph } from '../exporters/graph.js';
import { difference, randomTensor, runEager, runTraced, type TensorFunction } from './support/run-traced.js';

const inputs = { x: randomTensor('x', [3, 4]), y: randomTensor('y', [3, 4]) };

describe('names of outputs', () => {
  const cases: Record<string, TensorFunction> = {
    'that inner nodes have': ({ x, y }) => ({ Mul: tf.exp(tf.mul(x!, y!)), Exp: tf.mul(x!, y!) }),
    'that are swapped': ({ x }) => ({ Neg: tf.exp(x!), Exp: tf.neg(x!) }),
    'for one value twice': ({ x, y }) => {
      const sum = tf.add(x!, y!);
      return { first: sum, second: tf.clone(sum), third: tf.relu(sum) };
    },
    'for an input and a constant': ({ x }) => ({ same: tf.clone(x!), constant: tf.tensor([1, 2, 3]) }),
  };
  for (const [what, fn] of Object.entries(cases)) {
    it(what, async () => {
      const [actual, reference] = [await runTraced(fn, inputs), await runEager(fn, inputs)];
      expect(Object.keys(actual).sort()).toEqual(Object.keys(reference).sort());
      for (const name of Object.keys(reference)) {
        expect(difference(actual[name]!, reference[name]!), name).toBeLessThan(1e-6);
      }
    });
  }

  it('refuses the name of an input', async () => {
    await expect(runTraced(({ x }) => ({ x: tf.neg(x!) }), inputs)).rejects.toThrow(
      /unlike the inputs, got `x`/,
    );
  });
});

describe('a node that is bypassed', () => {
  const build = (): Graph => {
    const graph = new Graph('test');
    const type = { shape: [2], dtype: 'float32' } as const;
    graph.addInput('in', type);
    graph.addNode('Relu', 'a', ['in'], {}, type);
    graph.addNode('Mul', 'b', ['a/Relu', 'a/Relu'], {}, type);
    return graph;
  };

  it('hands its name to its source when it was an output', () => {
    const graph = build();
    graph.addOutputs({ out: 'b/Mul' });
    graph.bypass(graph.nodes[1]!, 'a/Relu');
    expect(graph.nodes.map(({ op, outputs }) => [op, ...outputs])).toEqual([['Relu', 'out']]);
  });

  it('leaves a copy when both are outputs', () => {
    const graph = build();
    graph.addOutputs({ out: 'b/Mul', hidden: 'a/Relu' });
    graph.bypass(graph.nodes[1]!, 'hidden');
    expect(graph.nodes.map(({ op, inputs, outputs }) => [op, ...inputs, ...outputs])).toEqual([
      ['Relu', 'in', 'hidden'],
      ['Identity', 'hidden', 'out'],
    ]);
  });
});
