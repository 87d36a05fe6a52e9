/**
 * The suite that every kernel of the tracer passes: its cases, forward and gradients, run in ONNX Runtime against
 * eager tfjs. A table names the cases by kernel; a kernel without cases fails, and so does a case that never
 * reaches its kernel. Many cases share one graph, so that hundreds of them take a few sessions.
 */
import * as tf from '@tensorflow/tfjs-core';
// For its side effect: it registers the gradients of tfjs's ops.
import '#gradients';
import { beforeAll, expect, it } from 'vitest';
import type { Form } from '../../exporters/form.js';
import type { Kernel } from '../../exporters/kernel.js';
import * as registry from '../../exporters/kernels/index.js';
import { trace } from '../../exporters/trace.js';
import { type PlainTensor, plainTensor, type TensorMap } from '../../src/core/tensor.js';
import { difference, randomTensor, runEager, runTraced, type TensorFunction } from './run-traced.js';

/**
 * Largest difference allowed, relative to the largest magnitude (at least 1). Sums in float32 depend on their order,
 * and ONNX Runtime's exp and tanh are approximations of its own. The largest seen was 7.5e-7 (onnxruntime-node 1.30.0,
 * x64, a gradient of tanh over conv2dTranspose); other processors sum in vectors of other widths, hence the room.
 */
const TOLERANCE = 2e-6;

/** More would be slower: ONNX Runtime's time to load a graph grows faster than its nodes (8800 nodes: 11 s). */
const CASES_A_GRAPH = 40;

/** A tfjs function of some operands, given by shape (normal numbers) or in full. */
export interface KernelCase {
  readonly run: (...operands: tf.Tensor[]) => tf.Tensor;
  readonly operands: readonly (PlainTensor | readonly number[])[];
  /** False where tfjs has no gradient; otherwise all float operands are differentiated. */
  readonly gradient: boolean;
}

/** Cases by kernel, then by what is special about them. */
export type KernelCases = Record<string, Record<string, KernelCase>>;

/** A case whose value and gradients are compared. */
export function differentiable(
  run: KernelCase['run'],
  ...operands: KernelCase['operands'][number][]
): KernelCase {
  return { run, operands, gradient: true };
}

/** A case whose value alone is compared. */
export function forward(run: KernelCase['run'], ...operands: KernelCase['operands'][number][]): KernelCase {
  return { run, operands, gradient: false };
}

/** Normal numbers pushed through `change`, for kernels that take only some. */
export function numbers(
  name: string,
  shape: readonly number[],
  change: (value: number) => number,
): PlainTensor {
  const { data } = randomTensor(name, shape);
  return plainTensor(data.map(change), shape);
}

/** Small whole numbers, so that many are equal. */
export function integers(name: string, shape: readonly number[]): PlainTensor {
  const { data } = randomTensor(name, shape);
  return plainTensor(
    Int32Array.from(data, (value) => Math.round(value * 2)),
    shape,
  );
}

/** Coin flips. */
export function booleans(name: string, shape: readonly number[]): PlainTensor {
  const { data } = randomTensor(name, shape);
  return plainTensor(
    Uint8Array.from(data, (value) => Number(value > 0)),
    shape,
    'bool',
  );
}

/** The sum of `y` weighted at random, so that no gradient is constant. */
function weigh(y: tf.Tensor): tf.Scalar {
  return tf.sum(tf.mul(y, tf.tensor(randomTensor('weights', y.shape).data, y.shape)));
}

/** One function that does all cases of a kernel. `reached` hears which kernels each case called under trace. */
function combine(cases: Record<string, KernelCase>, begin: (name: string) => void): TensorFunction {
  return (inputs) => {
    const results: Record<string, tf.Tensor> = {};
    for (const [name, { run, operands, gradient }] of Object.entries(cases)) {
      begin(name);
      const given = operands.map((_, i) => inputs[`${name}/${i}`]!);
      results[`value of ${name}`] = run(...given);
      if (!gradient) continue;
      const places = given.flatMap((operand, i) => (operand.dtype === 'float32' ? [i] : []));
      const loss = (...floats: tf.Tensor[]): tf.Scalar =>
        weigh(run(...given.map((operand, i) => floats[places.indexOf(i)] ?? operand)));
      tf.grads(loss)(places.map((i) => given[i]!)).forEach((slope, i) => {
        results[`gradient of ${name} by ${places[i]}`] = slope;
      });
    }
    return results;
  };
}

function inputsOf(cases: Record<string, KernelCase>): TensorMap {
  return Object.fromEntries(
    Object.entries(cases).flatMap(([name, { operands }]) =>
      operands.map((operand, i) => [
        `${name}/${i}`,
        'data' in operand ? operand : randomTensor(`${name}/${i}`, operand),
      ]),
    ),
  );
}

/** What differs in shape, type or value, in words. */
function compare(actual: TensorMap, reference: TensorMap): string[] {
  return Object.entries(reference).flatMap(([name, wanted]) => {
    const got = actual[name]!;
    const gap = difference(got, wanted);
    const same = got.dtype === wanted.dtype && `${got.shape}` === `${wanted.shape}`;
    if (same && gap <= TOLERANCE) return [];
    return [`${name}: ${got.dtype} [${got.shape}], not ${wanted.dtype} [${wanted.shape}], off by ${gap}`];
  });
}

/** Calls `heard` with the name of every kernel that a trace runs. */
function listenToKernels(heard: (kernelName: string) => void): void {
  trace(({ x }) => ({ y: x! }), { x: { shape: [], dtype: 'float32' } }, { name: 'register' });
  for (const config of tf.getKernelsForBackend('onnx')) {
    const { kernelFunc, kernelName } = config;
    config.kernelFunc = (given) => {
      heard(kernelName);
      return kernelFunc(given);
    };
  }
}

/**
 * Declares one test for each kernel of a module, and one that the table names exactly the module's kernels.
 *
 * @param modules exports of the kernel modules that the table covers
 * @param form    how the graphs are written
 */
export function testKernels(
  modules: Readonly<Record<string, unknown>>,
  table: KernelCases,
  form: Form = 'operators',
): void {
  const reached = new Map<string, Set<string>>();
  let current = '';

  beforeAll(() => {
    tf.enableProdMode();
    listenToKernels((kernelName) => reached.get(current)?.add(kernelName));
  });

  it('has cases for every kernel of its modules', () => {
    const kernels = Object.entries(registry as Record<string, Kernel>)
      .filter(([name, kernel]) => modules[name] === kernel)
      .map(([name]) => name);
    expect(Object.keys(table).sort()).toEqual(kernels.sort());
  });

  const check = async (kernel: string, cases: Record<string, KernelCase>): Promise<void> => {
    const kernelName = kernel.replace(/^FusedMatMul$/, '_FusedMatMul');
    const fn = combine(cases, (name) => {
      current = name;
      if (!reached.has(name)) reached.set(name, new Set());
    });
    reached.clear();
    const inputs = inputsOf(cases);
    const actual = await runTraced(fn, inputs, form);
    expect(Object.keys(cases).filter((name) => !reached.get(name)?.has(kernelName))).toEqual([]);
    const reference = await runEager(fn, inputs);
    expect(Object.keys(actual).sort()).toEqual(Object.keys(reference).sort());
    expect(compare(actual, reference)).toEqual([]);
  };

  for (const [kernel, cases] of Object.entries(table)) {
    it(`${kernel} agrees with eager tfjs`, async () => {
      const all = Object.entries(cases);
      for (let at = 0; at < all.length; at += CASES_A_GRAPH) {
        await check(kernel, Object.fromEntries(all.slice(at, at + CASES_A_GRAPH)));
      }
    });
  }
}
