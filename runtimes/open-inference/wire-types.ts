/**
 * The protocol's element types and how their values travel: as numbers in JSON, or as bytes of the binary extension.
 * Half precision is float32 on this side. It knows no message.
 * https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_rest.md#tensor-data-types
 */
import { expected, GanError } from '../../src/core/errors.js';
import { decodeHalf, encodeHalf } from '../../src/core/half.js';
import type { DType, TensorData } from '../../src/core/tensor.js';
import { NAME } from './address.js';
import { KEPT_CHARACTERS } from './connection.js';

const DTYPES = {
  FP32: 'float32',
  FP16: 'float32',
  INT32: 'int32',
  UINT8: 'uint8',
  BOOL: 'bool',
} as const satisfies Record<string, DType>;

/** Element types of the protocol that have a counterpart here. */
export type WireType = keyof typeof DTYPES;

const BYTES: Readonly<Record<WireType, number>> = { FP32: 4, FP16: 2, INT32: 4, UINT8: 1, BOOL: 1 };

/** The element type on this side; undefined for one that does not travel. */
export function dtypeOf(type: unknown): DType | undefined {
  return Object.hasOwn(DTYPES, String(type)) ? DTYPES[type as WireType] : undefined;
}

/** Names of {@link WireType}, for messages. */
export const WIRE_TYPES: readonly string[] = Object.keys(DTYPES);

/** The error for a server's answer that is not what was asked for. */
export function badAnswer(
  what: string,
  got: unknown,
  remedy = 'Update the server, or use another.',
): GanError {
  const value = (typeof got === 'string' ? got : (JSON.stringify(got) ?? 'nothing')).slice(
    0,
    KEPT_CHARACTERS,
  );
  const { message } = expected(NAME, `the server's ${what}`, value, remedy);
  return new GanError('RUNTIME_UNAVAILABLE', NAME, message.slice(NAME.length + 3));
}

/** @throws GanError `BAD_ARGUMENT` for a value that JSON cannot hold */
export function toJson(name: string, type: WireType, data: TensorData): (number | boolean)[] {
  const bad = data.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) {
    const what = `\`${name}\` of finite values, since the server takes JSON alone`;
    throw expected(NAME, what, String(data[bad]));
  }
  return type === 'BOOL' ? Array.from(data, (value) => value !== 0) : Array.from(data);
}

/** The largest and the least whole number of a type. */
const WHOLE: Readonly<Partial<Record<WireType, readonly [number, number]>>> = {
  INT32: [-(2 ** 31), 2 ** 31 - 1],
  UINT8: [0, 255],
  BOOL: [0, 1],
};

/**
 * @param values flat or nested; infinities and NaN may come as their names
 * @throws GanError `RUNTIME_UNAVAILABLE` for another number of values, and for a value that the type does not hold
 */
export function fromJson(name: string, type: WireType, values: unknown, count: number): TensorData {
  const flat: readonly unknown[] = Array.isArray(values) ? values.flat(Number.POSITIVE_INFINITY) : [];
  if (flat.length !== count) throw badAnswer(`\`${name}\` with ${count} values`, flat.length);
  const bounds = WHOLE[type];
  const numbers = flat.map((value) => {
    const number = value === null || typeof value === 'object' ? undefined : Number(value);
    const isNamed = typeof value === 'string' && !/^(?:NaN|-?Infinity)$/.test(value);
    const isHeld = !bounds || (Number.isInteger(number) && number! >= bounds[0] && number! <= bounds[1]);
    if (number === undefined || isNamed || !isHeld)
      throw badAnswer(`\`${name}\` to hold ${type} alone`, value);
    return number;
  });
  if (type === 'INT32') return Int32Array.from(numbers);
  return bounds ? Uint8Array.from(numbers) : Float32Array.from(numbers);
}

/** The values as they lie in memory, little-endian. */
export function toBytes(type: WireType, data: TensorData): Uint8Array {
  const { buffer, byteOffset, byteLength } = type === 'FP16' ? encodeHalf(data as Float32Array) : data;
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** @throws GanError `RUNTIME_UNAVAILABLE` for another number of bytes */
export function fromBytes(name: string, type: WireType, bytes: Uint8Array, count: number): TensorData {
  const size = count * BYTES[type];
  if (bytes.length !== size) throw badAnswer(`\`${name}\` in ${size} bytes`, bytes.length);
  // A copy: the bytes may begin anywhere, and the caller may keep what it gets.
  const { buffer } = bytes.slice();
  if (type === 'FP16') return decodeHalf(new Uint16Array(buffer));
  if (type === 'FP32') return new Float32Array(buffer);
  return type === 'INT32' ? new Int32Array(buffer) : new Uint8Array(buffer);
}
