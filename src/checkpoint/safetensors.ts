/**
 * The safetensors container: string pairs and named tensors <-> bytes. Knows nothing of GANs or of disks.
 * Layout: header length (u64, little-endian), header (JSON, padded with spaces to 8 bytes), data without gaps.
 * https://github.com/huggingface/safetensors#format
 */
import { z } from 'zod';
import { expected, GanError } from '../core/errors.js';
import { bytesPerElement, type DType, type PlainTensor, sizeOf } from '../core/tensor.js';
import { canonicalJson } from './canonical-json.js';

/** The header begins after its own length. */
export const HEADER_START = 8;

const ALIGNMENT = 8;
const METADATA_KEY = '__metadata__';

const DTYPE_NAMES = { float32: 'F32', int32: 'I32', uint8: 'U8', bool: 'BOOL' } as const;
const DTYPES_BY_NAME = { F32: 'float32', I32: 'int32', U8: 'uint8', BOOL: 'bool' } as const;

const count = z.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER);
const tensorSchema = z.strictObject({
  dtype: z.enum(['F32', 'I32', 'U8', 'BOOL']),
  shape: z.array(count),
  data_offsets: z.tuple([count, count]),
});
const metadataSchema = z.record(z.string(), z.string());

/** The header of a file, and where its data begins. */
export interface SafetensorsHeader {
  readonly metadata: Readonly<Record<string, string>>;
  /** Still to be checked: see {@link locateTensors}. */
  readonly tensors: Readonly<Record<string, unknown>>;
  readonly dataStart: number;
}

/** A GanError `BAD_CHECKPOINT` in the usual grammar. */
export function badCheckpoint(where: string, what: string, got: string, remedy: string): GanError {
  return new GanError('BAD_CHECKPOINT', where, `Expected ${what}, got \`${got}\`. ${remedy}`);
}

/** Whether JSON.parse gave an object. (zod's record would drop a member named `__proto__`.) */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The tensor's bytes, in place: every platform that ONNX Runtime supports is little-endian, as the format is. */
function bytesOf(name: string, tensor: PlainTensor): Uint8Array {
  const { data, dtype, shape } = tensor;
  const fits =
    dtype === 'float32'
      ? data instanceof Float32Array
      : dtype === 'int32'
        ? data instanceof Int32Array
        : data instanceof Uint8Array;
  if (!fits || !shape.every((extent) => Number.isSafeInteger(extent) && extent >= 0)) {
    throw expected(name, `${dtype} data and a shape of whole numbers`, `${data.constructor.name} [${shape}]`);
  }
  if (data.length !== sizeOf(shape)) {
    throw expected(name, `${sizeOf(shape)} elements for shape [${shape.join(', ')}]`, data.length);
  }
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

/**
 * The bytes of a safetensors file; equal content gives equal bytes.
 * Data goes by element size, largest first, then by name: so each tensor is aligned, as other readers need.
 *
 * @throws GanError `BAD_ARGUMENT` for a tensor whose data does not fit its shape and type
 */
export function writeSafetensors(
  metadata: Readonly<Record<string, string>>,
  tensors: Readonly<Record<string, PlainTensor>>,
): Uint8Array {
  const entries = Object.entries(tensors).sort(
    ([a, x], [b, y]) => bytesPerElement(y.dtype) - bytesPerElement(x.dtype) || (a < b ? -1 : 1),
  );
  const members = [`"${METADATA_KEY}":${canonicalJson(metadata, METADATA_KEY)}`];
  const parts: Uint8Array[] = [];
  let offset = 0;
  for (const [name, tensor] of entries) {
    if (name === METADATA_KEY)
      throw expected('checkpoint', 'a tensor name other than the reserved one', name);
    const part = bytesOf(name, tensor);
    const dtype = DTYPE_NAMES[tensor.dtype];
    const end = offset + part.length;
    const place = `{"dtype":"${dtype}","shape":[${tensor.shape.join(',')}],"data_offsets":[${offset},${end}]}`;
    members.push(`${JSON.stringify(name)}:${place}`);
    parts.push(part);
    offset = end;
  }
  const header = Buffer.from(`{${members.join(',')}}`);
  const dataStart = HEADER_START + Math.ceil(header.length / ALIGNMENT) * ALIGNMENT;
  const file = new Uint8Array(dataStart + offset).fill(0x20, 0, dataStart);
  new DataView(file.buffer).setBigUint64(0, BigInt(dataStart - HEADER_START), true);
  file.set(header, HEADER_START);
  let at = dataStart;
  for (const part of parts) {
    file.set(part, at);
    at += part.length;
  }
  return file;
}

/**
 * Reads the header alone; nothing is allocated on the word of the file's length field.
 *
 * @throws GanError `BAD_CHECKPOINT` when this is no safetensors file, or its header is cut short or unreadable
 */
export function readHeader(bytes: Uint8Array, where: string): SafetensorsHeader {
  const foreign = (got: string) =>
    badCheckpoint(where, 'a ganx checkpoint', got, 'Name a .safetensors file that ganx has saved.');
  if (bytes.length < HEADER_START) throw foreign(`a file of ${bytes.length} bytes`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = view.getBigUint64(0, true);
  if (length > BigInt(bytes.length - HEADER_START)) {
    // 2^32 bytes of header is far beyond any network: such a length is not ours but another format's first bytes.
    if (length >= 2n ** 32n) throw foreign('a file of another format, or a damaged one');
    throw truncated(where, `${bytes.length} bytes`, `at least ${HEADER_START + Number(length)} bytes`);
  }
  const dataStart = HEADER_START + Number(length);
  let header: unknown;
  try {
    header = JSON.parse(Buffer.from(bytes.subarray(HEADER_START, dataStart)).toString('utf8'));
  } catch {
    throw foreign('a header that is not JSON');
  }
  if (!isObject(header)) throw foreign('a header that is not a JSON object');
  const { [METADATA_KEY]: pairs, ...tensors } = header;
  const metadata = metadataSchema.safeParse(pairs ?? {});
  if (!metadata.success) throw foreign(`a header whose ${METADATA_KEY} is not string pairs`);
  return { metadata: metadata.data, tensors, dataStart };
}

/** Where the data of one tensor lies. */
export interface TensorPlace {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** First byte in the file. */
  readonly start: number;
  readonly sizeBytes: number;
}

/**
 * Finds the tensors that a header speaks of, without reading them.
 *
 * @throws GanError `BAD_CHECKPOINT` when an entry is malformed or the file ends before its data does
 */
export function locateTensors(bytes: Uint8Array, header: SafetensorsHeader, where: string): TensorPlace[] {
  const dataSize = bytes.length - header.dataStart;
  return Object.entries(header.tensors).map(([name, entry]) => {
    const parsed = tensorSchema.safeParse(entry);
    if (!parsed.success) {
      throw badCheckpoint(where, `a well-formed entry for tensor ${name}`, JSON.stringify(entry), DAMAGED);
    }
    const { shape, data_offsets: offsets } = parsed.data;
    const dtype = DTYPES_BY_NAME[parsed.data.dtype];
    const [start, end] = offsets;
    if (end - start !== sizeOf(shape) * bytesPerElement(dtype)) {
      throw badCheckpoint(where, `${name} to fill shape [${shape}]`, `${end - start} bytes`, DAMAGED);
    }
    if (end > dataSize) throw truncated(where, `${dataSize} bytes of data`, `at least ${end}`);
    return { name, dtype, shape, start: header.dataStart + start, sizeBytes: end - start };
  });
}

/** Reads the tensors: as `copies`, so that the file's bytes may go, or as `views` of these bytes where they are aligned. */
export function readTensors(
  bytes: Uint8Array,
  places: readonly TensorPlace[],
  as: 'copies' | 'views',
): Record<string, PlainTensor> {
  // fromEntries defines members, so that a tensor named __proto__ is a member like any other.
  return Object.fromEntries(
    places.map(({ name, dtype, shape, start, sizeBytes }): [string, PlainTensor] => {
      const own = bytes.subarray(start, start + sizeBytes);
      const isAligned = own.byteOffset % bytesPerElement(dtype) === 0;
      const { buffer, byteOffset } = as === 'views' && isAligned ? own : Uint8Array.from(own);
      const count = sizeOf(shape);
      if (dtype === 'float32')
        return [name, { shape, dtype, data: new Float32Array(buffer, byteOffset, count) }];
      if (dtype === 'int32') return [name, { shape, dtype, data: new Int32Array(buffer, byteOffset, count) }];
      return [name, { shape, dtype, data: new Uint8Array(buffer, byteOffset, count) }];
    }),
  );
}

/** What to do about a file that is not what was saved. */
export const DAMAGED = 'The file is damaged: use an earlier checkpoint of the run, or copy it again.';

function truncated(where: string, got: string, wanted: string): GanError {
  return badCheckpoint(where, `a whole file (${wanted})`, got, `It is cut short. ${DAMAGED}`);
}
