/**
 * A TensorFlow.js backend that stores symbols: a tensor is either a constant or a value of the graph under trace.
 * Random ops draw on the host and would arrive here as constants, so they are refused by the name of their scope.
 */
import * as tf from '@tensorflow/tfjs-core';
import { GanError } from '../src/core/errors.js';
import type { PlainTensor } from '../src/core/tensor.js';
import type { Builder } from './builder.js';
import type { GraphType } from './graph.js';
import type { Value } from './value.js';

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

/** Storage of one trace after the other; `builder` is set while one runs. */
export class TracingBackend extends tf.KernelBackend {
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
    // The array itself and no copy of it: weights may be large.
    const constant = { data: tensor.data, shape: tensor.shape, dtype: toGraphType(tensor.dtype), name };
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

const ARRAYS = { float32: Float32Array, int32: Int32Array, bool: Uint8Array } as const;

function toGraphType(dtype: string): keyof typeof ARRAYS {
  if (dtype === 'float32' || dtype === 'int32' || dtype === 'bool') return dtype;
  throw new GanError('UNSUPPORTED_OP', 'trace', `Expected float32, int32 or bool, got \`${dtype}\`.`);
}

function toConstant(values: tf.BackendValues, shape: readonly number[], dtype: tf.DataType): Constant {
  const type = toGraphType(dtype);
  return { data: ARRAYS[type].from(values as ArrayLike<number>), shape, dtype: type };
}

/** The error for an op that draws numbers. */
export function refuseRandomness(op: string, where: string): GanError {
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
export function currentScope(): string {
  return scopes()
    .filter((name) => name && !name.endsWith('__op') && name !== 'unnamed scope' && name !== 'forward')
    .join('/');
}
