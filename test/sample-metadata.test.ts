/** Reading ONNX files without a protobuf library: whole, cut off, foreign, and no ONNX at all. */
import onnxProto from 'onnx-proto';
import { describe, expect, it } from 'vitest';
import { GanError } from '../src/core/errors.js';
import { randomWords } from '../src/core/philox.js';
import { readMetadata, readModelFile } from '../src/sample/read-metadata.js';
import { encodeTinyGenerator, METADATA } from './support/sample-model.js';

const { onnx } = onnxProto;
const FILE = encodeTinyGenerator();
const utf8 = (text: string) => new TextEncoder().encode(text);

function errorOf(read: () => unknown): GanError {
  try {
    read();
  } catch (error) {
    if (error instanceof GanError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('a model file', () => {
  it('is read as onnx-proto wrote it', () => {
    expect(readModelFile(FILE)).toMatchObject({
      irVersion: 8,
      producer: 'ganx-test',
      producerVersion: '1.2.3',
      modelVersion: 3,
      opset: 17,
      otherOpsets: { 'com.example': 2 },
      graphName: 'tiny-graph',
      operators: { Gemm: 1, Tanh: 1, Reshape: 1 },
      inputs: [{ name: 'latents', dtype: 'float32', shape: ['batch', 7] }],
      outputs: [{ name: 'images', dtype: 'float32', shape: ['batch', 6, 5, 3] }],
      sizeBytes: FILE.length,
    });
    const { metadataProps } = onnx.ModelProto.decode(FILE);
    const pairs = Object.fromEntries(metadataProps.map(({ key, value }) => [key, value]));
    expect(readModelFile(FILE).properties).toEqual(pairs);
    expect(Object.keys(pairs).length).toBeGreaterThan(10);
  });

  it('gives back its metadata, also from the middle of a buffer', () => {
    expect(readMetadata(FILE)).toEqual(METADATA);
    const shifted = new Uint8Array(FILE.length + 10);
    shifted.set(FILE, 5);
    expect(readMetadata(shifted.subarray(5, 5 + FILE.length))).toEqual(METADATA);
  });

  it('keeps text outside ASCII', () => {
    const properties = { 'ganx.note': 'Größe 28×28 ✓', empty: '' };
    expect(readModelFile(encodeTinyGenerator({ properties })).properties).toEqual(properties);
  });

  it('is stepped over where it holds fields of a newer schema', () => {
    // Field 26, length 3; field 100, varint; field 101, four bytes; field 102, eight bytes.
    const newer = [
      0xd2, 1, 3, 1, 2, 3, 0xa0, 6, 0xff, 1, 0xad, 6, 1, 2, 3, 4, 0xb1, 6, 1, 2, 3, 4, 5, 6, 7, 8,
    ];
    expect(readMetadata(new Uint8Array([...newer, ...FILE, ...newer]))).toEqual(METADATA);
  });
});

describe('a file that is cut off', () => {
  it('is refused wherever it is cut', () => {
    for (let length = 0; length < FILE.length; length++) {
      const error = errorOf(() => readMetadata(FILE.subarray(0, length)));
      expect([length, error.code]).toEqual([length, 'BAD_MODEL_FILE']);
    }
  });

  it.each(Array.from({ length: 19 }, (_, i) => i + 1))('says so at %d/20', (part) => {
    const bytes = FILE.subarray(0, Math.floor((FILE.length * part) / 20));
    const error = errorOf(() => readModelFile(bytes));
    expect(error.message).toMatch(
      /^\[model file\] Expected a whole ONNX file, got `.*are left`. The file is cut off/,
    );
  });

  it('says so when one byte is missing', () => {
    const error = errorOf(() => readModelFile(FILE.subarray(0, FILE.length - 1)));
    expect(error.message).toMatch(/has (\d+) bytes, \d+ are left`. The file is cut off/);
  });

  it('is told from an empty one', () => {
    expect(errorOf(() => readModelFile(new Uint8Array())).message).toMatch(/got `0 bytes`/);
  });
});

describe('another file', () => {
  const graph = onnx.ModelProto.decode(FILE).graph!;
  it.each<[string, Uint8Array]>([
    ['a graph without a model', onnx.GraphProto.encode(graph).finish()],
    ['a tensor', onnx.TensorProto.encode(graph.initializer![0]!).finish()],
    ['a node', onnx.NodeProto.encode(graph.node![0]!).finish()],
    ['a Git LFS pointer', utf8('version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n')],
    ['a web page', utf8('<!doctype html><html><body>404</body></html>')],
    ['JSON', utf8('{"model": "generator"}')],
    ['a zip', new Uint8Array([0x50, 0x4b, 3, 4, 20, 0, 0, 0, 8, 0])],
    ['a PNG', new Uint8Array([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10, 0, 0, 0, 13])],
    ['zeros', new Uint8Array(1000)],
    ['ones', new Uint8Array(1000).fill(255)],
  ])('is refused: %s', (_, bytes) => {
    const error = errorOf(() => readModelFile(bytes));
    expect(error.code).toBe('BAD_MODEL_FILE');
    expect(error.message).toMatch(/Expected an ONNX file, got `.*`. Check that this is the right file/);
  });

  it('is refused with any random bytes, and with a damaged inside', () => {
    for (let seed = 0; seed < 300; seed++) {
      const noise = new Uint8Array(randomWords(seed, 'noise', 0, 64).buffer);
      expect(errorOf(() => readModelFile(noise)).code).toBe('BAD_MODEL_FILE');
    }
    const model = onnx.ModelProto.create({ irVersion: 8, opsetImport: [{ version: 17 }], graph: {} });
    const head = onnx.ModelProto.encode(model).finish();
    const badGraph = new Uint8Array([...head, 7 * 8 + 2, 2, 0x0a, 9]);
    expect(errorOf(() => readModelFile(badGraph)).message).toMatch(/inside/);
  });

  it('is still shown when it is ONNX without ganx metadata, and the remedy is told', () => {
    const bytes = encodeTinyGenerator({ properties: { author: 'someone' } });
    expect(readModelFile(bytes).properties).toEqual({ author: 'someone' });
    const error = errorOf(() => readMetadata(bytes));
    expect(error.code).toBe('BAD_MODEL_FILE');
    expect(error.message).toMatch(
      /got `ganx-test`.*latents float32 \[batch, 7\].*`ganx sample generator.onnx --latent 1x7 --range -1,1`.*ganx info --adopt/,
    );
  });

  it('is refused when its metadata is of a newer version or not whole', () => {
    const { 'ganx.layout': _, ...less } = readModelFile(FILE).properties;
    const partial = encodeTinyGenerator({ properties: less });
    expect(errorOf(() => readMetadata(partial)).message).toMatch(/ganx.layout/);
    const newer = encodeTinyGenerator({ properties: { 'ganx.format_version': '2' } });
    expect(errorOf(() => readMetadata(newer)).message).toMatch(/newer ganx/);
  });
});
