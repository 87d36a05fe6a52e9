/**
 * The pass that makes one operator of a product with a number and a sum: where it applies, where it must not, and that
 * ONNX Runtime computes the same with it, bit by bit.
 */
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import type { Graph } from '../exporters/graph.js';
import { encodeModel } from '../exporters/model-proto.js';
import { fuseScaledAdds } from '../exporters/passes/fuse-scaled-add.js';
import { removeUnused } from '../exporters/passes/remove-unused.js';
import { trace } from '../exporters/trace.js';
import { plainTensor, type TensorMap } from '../src/core/tensor.js';
import { randomTensor, specsOf, type TensorFunction } from './support/run-traced.js';
import { openOnCpu } from './support/small-training.js';

const LARGE = [256, 2, 64];

function traced(fn: TensorFunction, inputs: TensorMap, fuse: boolean): Graph {
  const graph = trace(fn, specsOf(inputs), { name: 'test' });
  if (fuse) fuseScaledAdds(graph);
  removeUnused(graph);
  return graph;
}

async function run(graph: Graph, feeds: TensorMap): Promise<TensorMap> {
  const session = await openOnCpu(encodeModel(graph));
  try {
    return await session.run(feeds);
  } finally {
    await session.dispose();
  }
}

/** x and y of a shape and a lone number s. */
function inputsOf(shape: readonly number[]): TensorMap {
  return {
    x: randomTensor('x', shape),
    y: randomTensor('y', shape),
    s: plainTensor(Float32Array.of(0.37), []),
  };
}

const operatorsOf = (graph: Graph): string[] => graph.nodes.map(({ op }) => op);
const FUSED = 'com.microsoft.GatedAdd';

const FUSIBLE: Record<string, TensorFunction> = {
  'x + y·s': ({ x, y, s }) => ({ z: tf.add(x!, tf.mul(y!, s!)) }),
  's·y + x': ({ x, y, s }) => ({ z: tf.add(tf.mul(s!, y!), x!) }),
  'x − y·s': ({ x, y, s }) => ({ z: tf.sub(x!, tf.mul(y!, s!)) }),
  'a constant number': ({ x, y }) => ({ z: tf.add(tf.mul(y!, 0.9), x!) }),
};

const OTHER: Record<string, TensorFunction> = {
  'y·s − x': ({ x, y, s }) => ({ z: tf.sub(tf.mul(y!, s!), x!) }),
  'a product that somebody else reads': ({ x, y, s }) => {
    const product = tf.mul(y!, s!);
    return { z: tf.add(x!, product), product };
  },
  'a product of two tensors': ({ x, y }) => ({ z: tf.add(x!, tf.mul(x!, y!)) }),
  'a sum that broadcasts': ({ y, s }) => ({ z: tf.add(s!, tf.mul(y!, s!)) }),
};

describe('a product with a number in a sum', () => {
  for (const [name, fn] of Object.entries(FUSIBLE)) {
    it(`becomes one operator: ${name}`, async () => {
      const inputs = name === 'a constant number' ? withoutNumber(inputsOf(LARGE)) : inputsOf(LARGE);
      const fused = traced(fn, inputs, true);
      expect(operatorsOf(fused)).toContain(FUSED);
      expect(operatorsOf(fused)).not.toContain('Mul');
      const plain = traced(fn, inputs, false);
      expect(operatorsOf(plain)).not.toContain(FUSED);
      expect((await run(fused, inputs)).z!.data).toEqual((await run(plain, inputs)).z!.data);
    });
  }

  for (const [name, fn] of Object.entries(OTHER)) {
    it(`stays as it is: ${name}`, () => {
      expect(operatorsOf(traced(fn, inputsOf(LARGE), true))).not.toContain(FUSED);
    });
  }

  it('stays as it is where tensors are small', () => {
    expect(operatorsOf(traced(FUSIBLE['x + y·s']!, inputsOf([3, 4]), true))).not.toContain(FUSED);
  });
});

function withoutNumber({ x, y }: TensorMap): TensorMap {
  return { x: x!, y: y! };
}
