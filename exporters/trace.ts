/**
 * The tracer: a TensorFlow.js backend named `onnx` whose kernels do not compute, they write ONNX nodes.
 * Whatever a function does with tfjs ops, gradients included, becomes a graph. A random op would be frozen into the
 * graph as a constant, because tfjs draws on the host: it is refused by name.
 */
import * as tf from '@tensorflow/tfjs-core';
import { GanError } from '../src/core/errors.js';
import type { PlainTensor } from '../src/core/tensor.js';
import { Builder } from './builder.js';
import { Graph, type GraphType } from './graph.js';
import { Attributes, type Kernel } from './kernel.js';
import * as kernels from './kernels/index.js';
import { plainLayout, toPhysical, type Value } from './value.js';

const BACKEND = 'onnx';
/** tfjs ops that draw on the host; the scope's name carries the suffix that tfjs gives to ops. */
const RANDOM_OPS = new Set(
  [
    'randomNormal',
    'randomUniform',
    'randomUniformInt',
    'randomStandardNormal',
    'randomGamma',
    'truncatedNormal',
    'rand',
    'dropout',
    'multinomial',
  ].map((name) => `${name}__op`),
);

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
  /** Physical layouts of outputs; plain when absent. */
  readonly outputLayouts?: Readonly<Record<string, readonly number[]>>;
}

interface Constant {
  readonly data: Float32Array | Int32Array | Uint8Array;
  readonly shape: readonly number[];
  readonly dtype: GraphType;
  readonly name?: string;
}

/** A constant gets its value anew in each graph that reads it. */
type Entry =
  | { constant: Constant; owner?: Builder | undefined; value?: Value; references: number }
  | { value: Value; references: number };

class TracingBackend extends tf.KernelBackend {
  private readonly entries = new tf.DataStorage<Entry>(this, tf.engine());
  builder: Builder | undefined;

  override write(values: tf.BackendValues, shape: number[], dtype: tf.DataType): tf.DataId {
    const random = scopes().find((scope) => RANDOM_OPS.has(scope));
    if (random) {
      throw refuseRandomness(random.replace('__op', ''), currentScope() || 'trace');
    }
    const id = {};
    this.move(id, values, shape, dtype, 1);
    return id;
  }

  override move(
    id: tf.DataId,
    values: tf.BackendValues,
    shape: number[],
    dtype: tf.DataType,
    references: number,
  ): void {
    this.entries.set(id, { constant: toConstant(values, shape, dtype), references });
  }

  put(value: Value): tf.TensorInfo {
    const dataId = {};
    this.entries.set(dataId, { value, references: 1 });
    return { dataId, shape: [...value.shape], dtype: value.dtype as tf.DataType };
  }

  putConstant(name: string, tensor: PlainTensor): tf.TensorInfo {
    const dataId = {};
    const constant = { ...toConstant(tensor.data, [...tensor.shape], tensor.dtype as tf.DataType), name };
    this.entries.set(dataId, { constant, references: 1 });
    return { dataId, shape: [...tensor.shape], dtype: tensor.dtype as tf.DataType };
  }

  /** The value behind a tensor; constants enter the graph when a kernel first reads them. */
  lookUp(dataId: tf.DataId): Value {
    const entry = this.entries.get(dataId);
    if (!('constant' in entry)) return entry.value;
    if (entry.owner !== this.builder) {
      entry.value = writeConstant(this.builder!, entry.constant);
      entry.owner = this.builder;
    }
    return entry.value!;
  }

  override readSync(id: tf.DataId): tf.BackendValues {
    const entry = this.entries.get(id);
    if ('constant' in entry) return entry.constant.data;
    throw new GanError(
      'UNSUPPORTED_OP',
      currentScope() || 'trace',
      `Expected no read of a tensor's values inside a traced function, got one of \`${entry.value.name}\`. ` +
        'Its values exist only when the graph runs.',
    );
  }

  override read(id: tf.DataId): Promise<tf.BackendValues> {
    return Promise.resolve(this.readSync(id));
  }

  override incRef(id: tf.DataId): void {
    this.entries.get(id).references++;
  }

  override refCount(id: tf.DataId): number {
    return this.entries.has(id) ? this.entries.get(id).references : 0;
  }

  override disposeData(id: tf.DataId, force = false): boolean {
    if (!this.entries.has(id)) return true;
    const entry = this.entries.get(id);
    entry.references--;
    if (!force && entry.references > 0) return false;
    return this.entries.delete(id);
  }

  override numDataIds(): number {
    return this.entries.numDataIds();
  }

  override floatPrecision(): 16 | 32 {
    return 32;
  }

  override epsilon(): number {
    return 1e-7;
  }

  override memory(): { unreliable: boolean } {
    return { unreliable: true };
  }

  override dispose(): void {}
}

function toConstant(values: tf.BackendValues, shape: readonly number[], dtype: tf.DataType): Constant {
  if (dtype === 'float32') return { data: Float32Array.from(values as Float32Array), shape, dtype };
  if (dtype === 'int32') return { data: Int32Array.from(values as Int32Array), shape, dtype };
  if (dtype === 'bool') return { data: Uint8Array.from(values as Uint8Array), shape, dtype };
  throw new GanError('UNSUPPORTED_OP', 'trace', `Expected float32, int32 or bool, got \`${dtype}\`.`);
}

function refuseRandomness(op: string, where: string): GanError {
  return new GanError(
    'BAKED_RANDOMNESS',
    where,
    `Expected no random op inside a traced function, got \`${op}\`. ` +
      'Its numbers would be frozen into the graph: give them as an input.',
  );
}

/** A constant whose elements are all the same is a lone number; any other becomes an initializer. */
function writeConstant(builder: Builder, { data, shape, dtype, name }: Constant): Value {
  const first = data[0];
  if (first !== undefined && data.every((element) => Object.is(element, first))) {
    return builder.scalar(first, dtype, shape);
  }
  const scope = currentScope();
  const base = name ?? (scope ? `${scope}/constant` : 'constant');
  return builder.value(builder.graph.addInitializer(base, { shape, dtype, data }), shape, dtype);
}

function scopes(): string[] {
  return tf.engine().state.scopeStack.map((scope) => scope.name);
}

/** The scopes that models opened with `tf.tidy(name, …)`, without those of tfjs's ops. */
function currentScope(): string {
  return scopes()
    .filter((name) => name && !name.endsWith('__op') && name !== 'unnamed scope' && name !== 'forward')
    .join('/');
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
  const builder = new Builder(graph, currentScope);
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
      outputs[name] = builder.inLayout(tracing.lookUp(tensor.dataId), [...layout]);
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
