/**
 * The tracer: a TensorFlow.js backend named `onnx` whose kernels do not compute, they write ONNX nodes.
 * Whatever a function does with tfjs ops, gradients included, becomes a graph. A random op would be frozen into the
 * graph as a constant, because tfjs draws on the host: it is refused by name.
 */
import * as tf from '@tensorflow/tfjs-core';
import { GanError } from '../src/core/errors.js';
import type { PlainTensor } from '../src/core/tensor.js';
import { Builder } from './builder.js';
import type { Form } from './form.js';
import { Graph } from './graph.js';
import { Attributes, type Kernel } from './kernel.js';
import * as kernels from './kernels/index.js';
import { currentScope, refuseRandomness, TracingBackend } from './tracing-backend.js';
import { plainLayout, toPhysical } from './value.js';

const BACKEND = 'onnx';
/** An input of a traced function: logical shape, type, and how the graph's input lies. */
export interface TraceInput {
  readonly shape: readonly number[];
  readonly dtype: 'float32' | 'int32' | 'bool';
  /** Physical layout of the graph's input; plain when absent. */
  readonly layout?: readonly number[];
}

/** What {@link trace} may be told beside the function and its inputs. */
export interface TraceOptions {
  readonly name: string;
  /** Tensors that become named initializers. */
  readonly constants?: Readonly<Record<string, PlainTensor>>;
  /** How the graph is written; `operators` when absent. */
  readonly form?: Form;
  /** Physical layouts of outputs; plain when absent. */
  readonly outputLayouts?: Readonly<Record<string, readonly number[]>>;
}

let backend: TracingBackend | undefined;

function registerOnce(): TracingBackend {
  if (!tf.findBackendFactory(BACKEND)) tf.registerBackend(BACKEND, () => backend!, 0);
  if (backend) return backend;
  const created = new TracingBackend();
  for (const [kernelName, kernel] of Object.entries(kernels) as [string, Kernel][]) {
    tf.registerKernel({
      kernelName: kernelName.replace(/^FusedMatMul$/, '_FusedMatMul'),
      backendName: BACKEND,
      kernelFunc: ({ inputs, attrs }) => {
        const attributes = new Attributes(kernelName, (attrs ?? {}) as Record<string, unknown>);
        const values = Object.fromEntries(
          Object.entries(inputs)
            .filter(([, input]) => input)
            .map(([key, input]) => [key, created.lookUp(input!.dataId)]),
        );
        const result = kernel(values, attributes, created.builder!);
        attributes.finish();
        return Array.isArray(result) ? result.map((value) => created.put(value)) : created.put(result);
      },
    });
  }
  backend = created;
  return created;
}

/** A kernel that the tracer does not have fails inside tfjs; say it in our words. */
function explain(error: unknown, name: string): unknown {
  const missing = /Kernel '([^']+)' not registered for backend 'onnx'/.exec(
    error instanceof Error ? error.message : '',
  );
  if (!missing) return error;
  if (missing[1] === 'Multinomial') return refuseRandomness('multinomial', name);
  return new GanError(
    'UNSUPPORTED_OP',
    name,
    `Expected operations that can be written as ONNX, got \`${missing[1]}\`. Known: ${Object.keys(kernels).join(', ')}.`,
    { cause: error },
  );
}

/**
 * Runs `fn` once with symbols for numbers and returns the graph of what it did.
 *
 * @param fn      from tensors by name to tensors by name; the graph's outputs carry these names
 * @param inputs  the graph's inputs, concrete shapes
 * @throws GanError `UNSUPPORTED_OP` for an op that has no kernel here, `BAKED_RANDOMNESS` for a random one
 */
export function trace(
  fn: (inputs: Record<string, tf.Tensor>, constants: Record<string, tf.Tensor>) => Record<string, tf.Tensor>,
  inputs: Readonly<Record<string, TraceInput>>,
  options: TraceOptions,
): Graph {
  const tracing = registerOnce();
  const before = tf.engine().backendName;
  const graph = new Graph(options.name);
  const builder = new Builder(graph, options.form ?? 'operators', currentScope);
  // With a synchronous factory setBackend takes effect before its promise is returned.
  void tf.setBackend(BACKEND);
  tracing.builder = builder;
  tf.engine().startScope();
  try {
    const tensors: Record<string, tf.Tensor> = {};
    for (const [name, { shape, dtype, layout = plainLayout(shape.length) }] of Object.entries(inputs)) {
      graph.addInput(name, { shape: toPhysical(shape, layout), dtype });
      tensors[name] = toTensor(tracing.put(builder.value(name, shape, dtype, [...layout])));
    }
    const constants = Object.fromEntries(
      Object.entries(options.constants ?? {}).map(([name, tensor]) => [
        name,
        toTensor(tracing.putConstant(name, tensor)),
      ]),
    );
    const outputs: Record<string, string> = {};
    for (const [name, tensor] of Object.entries(fn(tensors, constants))) {
      const layout = options.outputLayouts?.[name] ?? plainLayout(tensor.rank);
      // A last change of layout belongs to the output, so it carries the output's name.
      tf.engine().startScope(name);
      outputs[name] = builder.inLayout(tracing.lookUp(tensor.dataId), [...layout]);
      tf.engine().endScope();
    }
    graph.addOutputs(outputs);
    return graph;
  } catch (error) {
    throw explain(error, options.name);
  } finally {
    tf.engine().endScope();
    tracing.builder = undefined;
    // Where no backend was chosen before, tfjs shall choose its best one when it needs one.
    if (before) void tf.setBackend(before);
    else tf.removeBackend(BACKEND);
  }
}

function toTensor(info: tf.TensorInfo): tf.Tensor {
  return tf.engine().makeTensorFromTensorInfo(info);
}
