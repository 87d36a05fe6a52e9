/**
 * What every adapter promises alike: which feeds it accepts, where results may go, how it refuses.
 * Knows no runtime; the adapters hand in the names, types and shapes that their library states.
 */
import { expected, GanError, messageOf } from '../src/core/errors.js';
import type { DType, PlainTensor, TensorMap } from '../src/core/tensor.js';
import { sizeOf } from '../src/core/tensor.js';
import type { ValueInfo } from '../src/core/types.js';

const CLASS_OF = { float32: Float32Array, int32: Int32Array, uint8: Uint8Array, bool: Uint8Array } as const;

/**
 * The description of one input or output; a free dimension without a name becomes `-1`.
 *
 * @param shape extents; a string, a negative number or 2^32 - 1 (onnxruntime-web's word for -1) is free
 * @throws GanError `BAD_MODEL_FILE` for an element type that does not travel between rooms
 */
export function describeValue(
  where: string,
  name: string,
  type: string,
  shape: readonly (number | string)[],
): ValueInfo {
  if (!(type in CLASS_OF)) {
    throw new GanError(
      'BAD_MODEL_FILE',
      where,
      `Expected \`${name}\` to be one of ${Object.keys(CLASS_OF).join(', ')}, got \`${type}\`. Cast it in the graph.`,
    );
  }
  const extents = shape.map((extent) =>
    typeof extent === 'string' ? extent || -1 : extent < 0 || extent === 0xffffffff ? -1 : extent,
  );
  return { name, dtype: type as DType, shape: extents };
}

/** Refuses a tensor that does not fit `info`; `bound` remembers what each named free dimension stands for. */
function checkTensor(where: string, info: ValueInfo, tensor: PlainTensor, bound: Map<string, number>): void {
  const label = `\`${info.name}\``;
  if (tensor.dtype !== info.dtype) throw expected(where, `${label} as ${info.dtype}`, tensor.dtype);
  if (!(tensor.data instanceof CLASS_OF[info.dtype])) {
    throw expected(where, `${label} in a ${CLASS_OF[info.dtype].name}`, tensor.data?.constructor.name);
  }
  const fits =
    tensor.shape.length === info.shape.length &&
    info.shape.every((extent, axis) => {
      if (extent === -1) return true;
      const given = tensor.shape[axis]!;
      if (typeof extent === 'number') return given === extent;
      if (!bound.has(extent)) bound.set(extent, given);
      return bound.get(extent) === given;
    });
  if (!fits) {
    const wanted = info.shape.map((extent) => {
      if (extent === -1) return 'any';
      return typeof extent === 'string' && bound.has(extent) ? `${extent} = ${bound.get(extent)}` : extent;
    });
    throw expected(where, `${label} of shape [${wanted.join(', ')}]`, `[${tensor.shape.join(', ')}]`);
  }
  if (tensor.data.length !== sizeOf(tensor.shape)) {
    throw expected(where, `${label} with ${sizeOf(tensor.shape)} elements`, tensor.data.length);
  }
}

/**
 * Refuses feeds that are not exactly the inputs, and places for results that do not fit the outputs
 * or share memory with a feed.
 *
 * @throws GanError `BAD_ARGUMENT` that names the tensor, what was expected and what was given
 */
export function checkRun(
  where: string,
  inputs: readonly ValueInfo[],
  outputs: readonly ValueInfo[],
  feeds: TensorMap,
  into: TensorMap,
): void {
  const bound = new Map<string, number>();
  for (const name of Object.keys(feeds)) requireKnown(where, 'an input', name, inputs);
  for (const info of inputs) {
    const tensor = feeds[info.name];
    if (tensor === undefined) throw expected(where, `a feed for \`${info.name}\``, 'none');
    checkTensor(where, info, tensor, bound);
  }
  for (const [name, tensor] of Object.entries(into)) {
    checkTensor(where, requireKnown(where, 'an output', name, outputs), tensor, bound);
  }
  const writable = Object.entries(into);
  for (const [feed, { data }] of Object.entries(feeds)) {
    const shared = writable.find(([, { data: place }]) => overlap(data, place));
    if (shared) {
      throw expected(
        where,
        `\`${shared[0]}\` to be written outside of the feeds`,
        `the memory of ${feed}`,
        'Take two sets of tensors in turn.',
      );
    }
  }
}

function requireKnown(where: string, what: string, name: string, known: readonly ValueInfo[]): ValueInfo {
  const info = known.find((value) => value.name === name);
  if (info) return info;
  throw expected(where, what, name, `Known: ${known.map((value) => value.name).join(', ')}.`);
}

function overlap(a: ArrayBufferView, b: ArrayBufferView): boolean {
  return (
    a.buffer === b.buffer &&
    a.byteOffset < b.byteOffset + b.byteLength &&
    b.byteOffset < a.byteOffset + a.byteLength
  );
}

/** @throws GanError `BAD_ARGUMENT` for a device that the runtime does not have */
export function requireDevice(where: string, devices: readonly string[], device: string): void {
  if (!devices.includes(device)) {
    throw expected(where, 'a device', device, `Known: ${devices.join(', ')}.`);
  }
}

/** @throws GanError `BAD_ARGUMENT` unless `threads` is absent or a whole number above 0 */
export function requireThreads(where: string, threads: number | undefined): void {
  if (threads !== undefined && !(Number.isSafeInteger(threads) && threads > 0)) {
    throw expected(where, 'threads as a whole number above 0', threads);
  }
}

/** The error for a library or device that cannot be used here. */
export function unavailable(where: string, what: string, cause: unknown): GanError {
  const reason = typeof cause === 'string' ? cause : messageOf(cause);
  return new GanError('RUNTIME_UNAVAILABLE', where, `Expected ${what} to be usable, got \`${reason}\`.`, {
    cause,
  });
}

/** The error for bytes that the runtime does not take as a model. */
export function badModel(where: string, sizeBytes: number, cause: unknown): GanError {
  return new GanError(
    'BAD_MODEL_FILE',
    where,
    `Expected a whole ONNX model that ${where} can run, got \`${sizeBytes} bytes: ${messageOf(cause)}\`. Export the file again.`,
    { cause },
  );
}

/** The error for a session that is used after its end. */
export function disposedSession(where: string): GanError {
  return expected(where, 'an open session', 'disposed', 'Open the model again.');
}

/**
 * The error for a run that the library refused although the feeds fit what the model states. That a WebGPU device has
 * no half precision (the feature shader-f16) shows only here: the library opens the model all the same.
 */
export function failedRun(where: string, cause: unknown): GanError {
  const said = messageOf(cause);
  if (/requires f16 but the device does not support it/.test(said)) {
    const what = 'Expected a device with half precision (WebGPU feature shader-f16)';
    const remedy = 'Use another device, or a float32 file.';
    return new GanError('RUNTIME_UNAVAILABLE', where, `${what}, got \`${said}\`. ${remedy}`, { cause });
  }
  const message = `Expected feeds that the model can run, got \`${said}\`. Check the free dimensions.`;
  return new GanError('BAD_ARGUMENT', where, message, { cause });
}
