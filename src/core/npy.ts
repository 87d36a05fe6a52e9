/**
 * The .npy format, bytes to tensor and back; it knows no files.
 * Written in version 1.0, little-endian, C order; versions 1.0 to 3.0 are read.
 * https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
 */
import { GanError } from './errors.js';
import { bytesPerElement, type DType, type PlainTensor, plainTensor, sizeOf } from './tensor.js';

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59]; // \x93NUMPY
/** The array data starts at a multiple of this many bytes. */
const ALIGNMENT = 64;
const DESCRIPTIONS: Record<DType, string> = { float32: '<f4', int32: '<i4', uint8: '|u1', bool: '|b1' };

/** What a .npy header says: element type, shape, and the byte at which the values begin. */
export interface NpyHeader {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly offset: number;
}

function refuse(what: string, got: string, remedy: string): GanError {
  return new GanError('BAD_DATA', 'npy', `Expected ${what}, got \`${got}\`. ${remedy}`);
}

/** The header alone, so that the values of a long array can follow as a stream. */
export function encodeNpyHeader(dtype: DType, shape: readonly number[]): Uint8Array<ArrayBuffer> {
  const extents = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  const text = `{'descr': '${DESCRIPTIONS[dtype]}', 'fortran_order': False, 'shape': (${extents}), }`;
  const total = Math.ceil((MAGIC.length + 4 + text.length + 1) / ALIGNMENT) * ALIGNMENT;
  const bytes = new Uint8Array(total).fill(0x20);
  bytes.set([...MAGIC, 1, 0]);
  new DataView(bytes.buffer).setUint16(8, total - 10, true);
  bytes.set(new TextEncoder().encode(text), 10);
  bytes[total - 1] = 0x0a;
  return bytes;
}

/** A whole .npy file; typed arrays are little-endian wherever this runs, as the format's `<` says. */
export function encodeNpy(tensor: PlainTensor): Uint8Array<ArrayBuffer> {
  const header = encodeNpyHeader(tensor.dtype, tensor.shape);
  const { buffer, byteOffset, byteLength } = tensor.data;
  const bytes = new Uint8Array(header.length + byteLength);
  bytes.set(header);
  bytes.set(new Uint8Array(buffer, byteOffset, byteLength), header.length);
  return bytes;
}

/** The length of the text and where it starts, or a refusal. */
function findHeaderText(bytes: Uint8Array): { start: number; length: number } {
  if (bytes.length < 10 || MAGIC.some((byte, i) => bytes[i] !== byte)) {
    const start = [...bytes.subarray(0, 6)].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
    throw refuse('the magic bytes 93 4e 55 4d 50 59', start, 'This is not a .npy file.');
  }
  const major = bytes[6]!;
  if (major < 1 || major > 3)
    throw refuse('.npy version 1, 2 or 3', `${major}.${bytes[7]}`, 'Save it with numpy.save.');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (major === 1) return { start: 10, length: view.getUint16(8, true) };
  return { start: 12, length: bytes.length < 12 ? Number.POSITIVE_INFINITY : view.getUint32(8, true) };
}

/**
 * Reads the header from the first bytes of a file.
 *
 * @param bytes at least the whole header; values may follow
 * @throws GanError `BAD_DATA` for foreign or cut headers, Fortran order, and element types other than
 *         little-endian float32, int32, uint8 and bool
 */
export function parseNpyHeader(bytes: Uint8Array): NpyHeader {
  const { start, length } = findHeaderText(bytes);
  const offset = start + length;
  if (bytes.length < offset) {
    throw refuse(`a header of ${offset} bytes`, `${bytes.length} bytes`, 'The file is cut off.');
  }
  const text = new TextDecoder().decode(bytes.subarray(start, offset)).trim();
  const description = /'descr'\s*:\s*('[^']*'|\[.*?\])/.exec(text)?.[1];
  const order = /'fortran_order'\s*:\s*(True|False)/.exec(text)?.[1];
  const extents = /'shape'\s*:\s*\(([\d\s,]*)\)/.exec(text)?.[1];
  if (description === undefined || order === undefined || extents === undefined) {
    throw refuse("a header with 'descr', 'fortran_order' and 'shape'", text, 'The file is damaged.');
  }
  const name = description.slice(1, -1);
  const dtype = (Object.keys(DESCRIPTIONS) as DType[]).find((known) => DESCRIPTIONS[known] === name);
  if (!dtype) {
    throw refuse(
      `one of the element types ${Object.values(DESCRIPTIONS).join(', ')}`,
      name,
      "Convert it before saving: array.astype('float32') or array.astype('uint8').",
    );
  }
  if (order === 'True') {
    throw refuse('an array in C order', 'fortran_order: True', 'Save numpy.ascontiguousarray(array).');
  }
  const shape = extents
    .split(',')
    .filter((extent) => extent.trim() !== '')
    .map(Number);
  if (!Number.isSafeInteger(sizeOf(shape) * bytesPerElement(dtype))) {
    throw refuse('a shape that can exist', `(${extents})`, 'The file is damaged.');
  }
  return { dtype, shape, offset };
}

/**
 * A whole .npy file as a tensor; the values are copied.
 *
 * @throws GanError `BAD_DATA` as {@link parseNpyHeader}, and when the length does not fit the shape
 */
export function decodeNpy(bytes: Uint8Array): PlainTensor {
  const { dtype, shape, offset } = parseNpyHeader(bytes);
  const wanted = offset + sizeOf(shape) * bytesPerElement(dtype);
  if (bytes.length !== wanted) {
    const remedy = bytes.length < wanted ? 'The file is cut off.' : 'The file holds more than one array.';
    throw refuse(`${wanted} bytes for shape [${shape.join(', ')}]`, `${bytes.length} bytes`, remedy);
  }
  // A copy, because a float32 view must start at a multiple of four and `bytes` may lie anywhere. Not `slice`:
  // that of Node's Buffer shares memory.
  const { buffer } = new Uint8Array(bytes.subarray(offset));
  if (dtype === 'float32') return plainTensor(new Float32Array(buffer), shape, dtype);
  if (dtype === 'int32') return plainTensor(new Int32Array(buffer), shape, dtype);
  return plainTensor(new Uint8Array(buffer), shape, dtype);
}
