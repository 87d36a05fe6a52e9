/** The .npy format by itself: what numpy.save writes, and what cannot be honoured. */
import { describe, expect, it } from 'vitest';
import { decodeNpy, encodeNpy, encodeNpyHeader, parseNpyHeader } from '../src/core/npy.js';
import { plainTensor } from '../src/core/tensor.js';
import { countUp } from './data-helpers.js';

describe('the .npy format', () => {
  it.each([
    [plainTensor(Float32Array.of(1.5, -2), [2]), "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }"],
    [plainTensor(Int32Array.of(-7), []), "{'descr': '<i4', 'fortran_order': False, 'shape': (), }"],
    [plainTensor(countUp(6), [2, 3]), "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3), }"],
    [
      plainTensor(Uint8Array.of(0, 1), [1, 2], 'bool'),
      "{'descr': '|b1', 'fortran_order': False, 'shape': (1, 2), }",
    ],
  ])('goes there and back: %#', (tensor, text) => {
    const bytes = encodeNpy(tensor);
    const header = encodeNpyHeader(tensor.dtype, tensor.shape);
    expect(header.length % 64).toBe(0);
    expect(header.at(-1)).toBe(0x0a);
    expect(new TextDecoder().decode(header.subarray(10)).trimEnd()).toBe(text);
    expect(bytes.subarray(0, header.length)).toEqual(header);
    // Off the four-byte grid, as a part of a larger buffer may lie.
    const shifted = new Uint8Array(bytes.length + 1);
    shifted.set(bytes, 1);
    expect(decodeNpy(shifted.subarray(1))).toEqual(tensor);
    // A Buffer shares its memory with others, and its `slice` copies nothing.
    expect(decodeNpy(Buffer.from(bytes))).toEqual(tensor);
  });

  /** A file of another version or with another header text. */
  const craft = (version: number, text: string) => {
    const length = Buffer.alloc(version === 1 ? 2 : 4);
    if (version === 1) length.writeUInt16LE(text.length);
    else length.writeUInt32LE(text.length);
    return Buffer.concat([
      Buffer.from('\x93NUMPY', 'latin1'),
      Buffer.of(version, 0),
      length,
      Buffer.from(text),
    ]);
  };

  it('reads versions 2 and 3 and keys in any order', () => {
    for (const version of [2, 3]) {
      const bytes = craft(version, "{'shape': (4, 5), 'descr': '|u1', 'fortran_order': False}\n");
      expect(parseNpyHeader(bytes)).toEqual({ dtype: 'uint8', shape: [4, 5], offset: bytes.length });
    }
  });

  it.each([
    [craft(1, "{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }"), 'got `<f8`'],
    [craft(1, "{'descr': '>f4', 'fortran_order': False, 'shape': (2,), }"), 'got `>f4`'],
    [
      craft(1, "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,), }"),
      'one of the element types',
    ],
    [craft(1, "{'descr': '<f4', 'fortran_order': True, 'shape': (2, 2), }"), 'Expected an array in C order'],
    [craft(1, "{'descr': '<f4', 'fortran_order': False}"), "Expected a header with 'descr'"],
    [craft(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999, 99999999), }"), 'can exist'],
    [craft(9, '{}'), 'Expected .npy version 1, 2 or 3, got `9.0`'],
    [
      craft(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }").subarray(0, 30),
      'The file is cut off',
    ],
    [craft(2, '{}').subarray(0, 11), 'The file is cut off'],
  ])('refuses a header that it cannot honour: %#', (bytes, message) => {
    expect(() => parseNpyHeader(bytes)).toThrow(message);
  });
});
