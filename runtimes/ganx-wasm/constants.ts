/**
 * A file's constants by name, read when they are asked for: weights of single or half precision as float32, and the
 * whole numbers of shapes.
 */
import { decodeHalf } from '../../src/core/half.js';
import { sizeOf } from '../../src/core/tensor.js';
import { ELEMENT, type Graph, type GraphConstant } from './read-graph.js';
import { unsupported } from './unsupported.js';

/** A constant with its elements. */
export interface Constant {
  readonly shape: readonly number[];
  /**
   * Writes the elements, which are many, where they are needed.
   *
   * @throws GanError `UNSUPPORTED_OP` for other elements than numbers of single or half precision
   */
  writeFloats(place: Float32Array): void;
  /** The elements of a constant of int64. @throws GanError `UNSUPPORTED_OP` for another type */
  readWholes(): number[];
}

function openConstant(name: string, { shape, type, bytes, wholes }: GraphConstant): Constant {
  const expectBytes = (each: number): void => {
    const wanted = sizeOf(shape) * each;
    if (bytes.length !== wanted) throw unsupported(`\`${name}\` in ${wanted} bytes`, bytes.length);
  };
  return {
    shape,
    writeFloats(place) {
      if (type === ELEMENT.float) {
        expectBytes(4);
        // The file's bytes lie anywhere, so that no view of floats fits them.
        new Uint8Array(place.buffer, place.byteOffset, place.byteLength).set(bytes);
      } else if (type === ELEMENT.half) {
        expectBytes(2);
        place.set(decodeHalf(new Uint16Array(bytes.slice().buffer)));
      } else throw unsupported(`\`${name}\` in single or half precision`, `element type ${type}`);
    },
    readWholes() {
      if (type !== ELEMENT.int64) throw unsupported(`\`${name}\` as int64`, `element type ${type}`);
      if (wholes.length > 0) return [...wholes];
      expectBytes(8);
      return Array.from(new BigInt64Array(bytes.slice().buffer), Number);
    },
  };
}

/** How planners look constants up; undefined for what is none. */
export type FindConstant = (name: string | undefined) => Constant | undefined;

/** The constants of a graph. */
export function readConstants({ constants }: Graph): FindConstant {
  return (name) => {
    const constant = name === undefined ? undefined : constants.get(name);
    return constant && openConstant(name!, constant);
  };
}
