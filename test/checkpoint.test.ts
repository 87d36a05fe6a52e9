/**
 * The checkpoint format: what is written is read back to the bit, and anything else is refused.
 * The header is checked by hand against https://github.com/huggingface/safetensors#format
 */
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { type Checkpoint, decodeCheckpoint, encodeCheckpoint, expectModel } from '../src/checkpoint/index.js';
import { GanError } from '../src/core/errors.js';
import { normal } from '../src/core/random.js';
import { plainTensor } from '../src/core/tensor.js';

/** float32 bits that must survive: NaN with a payload, -0, a subnormal, both infinities. */
const ODD_FLOATS = new Float32Array(
  new Uint32Array([0x7fc12345, 0x80000000, 1, 0x7f800000, 0xff800000]).buffer,
);

function makeCheckpoint(changes: Partial<Checkpoint> = {}): Checkpoint {
  return {
    kind: 'training-state',
    model: 'mlp-2014',
    modelOptions: { hidden: [7, 5], activation: 'maxout "sha256":"', dropout: 0.5 },
    shape: {
      latentSize: 3,
      latentDistribution: 'uniform',
      imageShape: [2, 2, 1],
      imageRange: [-1, 1],
      kind: 'images',
      labels: ['null', 'eins', '二'],
    },
    imagesSeen: 300_000,
    steps: 3_000,
    seed: 2 ** 53 - 1,
    dataDigest: 'ab'.repeat(32),
    progress: { statsBytes: 12, average: -0, tiny: 5e-324, nested: { list: [1, null, true] } },
    tensors: {
      'generator/dense_1/kernel': plainTensor(normal(1, 'kernel', 0, 6), [2, 3]),
      'generator/odd': plainTensor(ODD_FLOATS, [5]),
      'adam/step': plainTensor(new Int32Array([-(2 ** 31)]), []),
      bytes: plainTensor(new Uint8Array([255, 0, 7]), [3, 1]),
      mask: plainTensor(new Uint8Array([1, 0, 1, 1, 0]), [5], 'bool'),
      none: plainTensor(new Float32Array(0), [4, 0, 2]),
      __proto__member: plainTensor(new Int32Array([5, 6]), [2]),
    },
    ...changes,
  };
}

function bitsOf(checkpoint: Checkpoint): Record<string, string> {
  return Object.fromEntries(
    Object.entries(checkpoint.tensors).map(([name, { data, dtype, shape }]) => [
      name,
      `${dtype} [${shape}] ${Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('hex')}`,
    ]),
  );
}

function refusal(run: () => unknown): GanError {
  try {
    run();
  } catch (error) {
    if (error instanceof GanError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

function headerOf(bytes: Uint8Array): { length: number; text: string } {
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  return { length, text: Buffer.from(bytes.subarray(8, 8 + length)).toString('utf8') };
}

describe('what is written', () => {
  it('is read back to the bit, every type and the empty shapes included', () => {
    const original = makeCheckpoint();
    const read = decodeCheckpoint(encodeCheckpoint(original), 'memory');
    expect(bitsOf(read)).toEqual(bitsOf(original));
    const { tensors: _read, ...facts } = read;
    const { tensors: _original, ...originalFacts } = original;
    expect(facts).toStrictEqual(originalFacts);
    expect(Object.is(read.progress?.average, -0)).toBe(true);
  });

  it('carries a tensor named __proto__ like any other', () => {
    const tensors = Object.fromEntries([['__proto__', plainTensor(new Int32Array([9]), [1])]]);
    const read = decodeCheckpoint(encodeCheckpoint(makeCheckpoint({ tensors })), 'memory');
    expect(Object.keys(read.tensors)).toEqual(['__proto__']);
    expect(Object.getPrototypeOf(read.tensors)).toBe(Object.prototype);
  });

  it('reads views into larger buffers, and gives each tensor memory of its own', () => {
    const large = new Float32Array([9, 1, 2, 9]);
    const tensors = { view: plainTensor(large.subarray(1, 3), [2]) };
    const bytes = encodeCheckpoint(makeCheckpoint({ tensors }));
    const shifted = new Uint8Array(bytes.length + 3);
    shifted.set(bytes, 3);
    const read = decodeCheckpoint(shifted.subarray(3), 'memory');
    shifted.fill(0);
    expect(Array.from(read.tensors.view?.data ?? [])).toEqual([1, 2]);
  });

  it('leaves tensors where they were read when nobody else has the bytes, unless they are not aligned', () => {
    const original = makeCheckpoint();
    const bytes = Uint8Array.from(encodeCheckpoint(original));
    const shared = decodeCheckpoint(bytes, 'memory', 'views');
    expect(bitsOf(shared)).toEqual(bitsOf(original));
    for (const { data } of Object.values(shared.tensors)) expect(data.buffer).toBe(bytes.buffer);
    const shifted = new Uint8Array(bytes.length + 3);
    shifted.set(bytes, 3);
    const apart = decodeCheckpoint(shifted.subarray(3), 'memory', 'views');
    expect(bitsOf(apart)).toEqual(bitsOf(original));
    expect(apart.tensors['generator/odd']!.data.buffer).not.toBe(shifted.buffer);
  });

  it('is the same bytes whatever the order in which members were added', () => {
    const original = makeCheckpoint();
    const reversed = {
      ...Object.fromEntries(Object.entries(original).reverse()),
      tensors: Object.fromEntries(Object.entries(original.tensors).reverse()),
    };
    const bytes = encodeCheckpoint(original);
    expect(encodeCheckpoint({ ...original, ...reversed })).toEqual(bytes);
    expect(encodeCheckpoint(decodeCheckpoint(bytes, 'memory'))).toEqual(bytes);
  });

  it('is laid out as safetensors: padded header, aligned data without gaps', () => {
    const bytes = encodeCheckpoint(makeCheckpoint());
    const { length, text } = headerOf(bytes);
    expect(length % 8).toBe(0);
    expect(text).toMatch(/^\{.*\} *$/s);
    const header: Record<string, { dtype: string; shape: number[]; data_offsets: [number, number] }> =
      JSON.parse(text);
    const { __metadata__: metadata, ...tensors } = header;
    expect(metadata).toMatchObject({ format: 'ganx-checkpoint', version: '1' });
    const sizes: Record<string, number> = { F32: 4, I32: 4, U8: 1, BOOL: 1 };
    let end = 0;
    for (const [name, { dtype, shape, data_offsets: offsets }] of Object.entries(tensors)) {
      expect(offsets[0], `${name} begins where the one before it ends`).toBe(end);
      expect(offsets[0] % sizes[dtype]!, `${name} is aligned`).toBe(0);
      end = offsets[1];
      expect(end - offsets[0]).toBe(sizes[dtype]! * shape.reduce((a, b) => a * b, 1));
    }
    expect(end).toBe(bytes.length - 8 - length);
    expect(tensors.mask).toMatchObject({ dtype: 'BOOL', shape: [5] });
    expect(tensors['adam/step']).toMatchObject({ dtype: 'I32', shape: [] });
    const at = 8 + length + tensors['generator/dense_1/kernel']!.data_offsets[0];
    expect(new DataView(bytes.buffer, bytes.byteOffset).getFloat32(at, true)).toBe(
      normal(1, 'kernel', 0, 1)[0],
    );
  });

  it('has a checksum that anyone can compute', () => {
    const bytes = encodeCheckpoint(makeCheckpoint());
    const { text } = headerOf(bytes);
    const stored = JSON.parse(text).__metadata__.sha256;
    const zeroed = Buffer.from(bytes);
    zeroed.fill('0', zeroed.indexOf(stored), zeroed.indexOf(stored) + 64);
    expect(createHash('sha256').update(zeroed).digest('hex')).toBe(stored);
  });
});

describe('what is refused at saving', () => {
  it.each([
    ['a NaN that JSON would turn into null', { progress: { loss: Number.NaN } }, 'checkpoint.progress.loss'],
    ['an array that JSON would turn into an object', { progress: { a: [new Int8Array(1)] } }, 'a[0]'],
    ['a negative counter', { steps: -1 }, 'steps'],
    [
      'an image of no width',
      { shape: { ...makeCheckpoint().shape, imageShape: [2, 0, 1] as const } },
      'imageShape',
    ],
    [
      'data that does not fill its shape',
      { tensors: { w: { shape: [3], dtype: 'int32', data: new Int32Array(2) } } },
      'w',
    ],
    [
      'data of another type',
      { tensors: { w: { shape: [2], dtype: 'float32', data: new Int32Array(2) } } },
      'w',
    ],
    ['the reserved name', { tensors: { __metadata__: plainTensor(new Uint8Array(1), [1]) } }, '__metadata__'],
  ] satisfies [string, Partial<Checkpoint>, string][])('%s', (_what, changes, named) => {
    const error = refusal(() => encodeCheckpoint(makeCheckpoint(changes)));
    expect(error.code).toBe('BAD_ARGUMENT');
    expect(error.message).toContain(named);
  });
});

describe('what is refused at loading', () => {
  it('any flipped bit, anywhere', () => {
    const bytes = encodeCheckpoint(makeCheckpoint({ dataDigest: 'xxx' }));
    expect(headerOf(bytes).text.endsWith('  '), 'the padding is part of this test').toBe(true);
    for (let at = 0; at < bytes.length; at++) {
      for (let bit = 1; bit < 256; bit *= 2) {
        bytes[at]! ^= bit;
        const error = refusal(() => decodeCheckpoint(bytes, 'flipped.safetensors'));
        expect(error.code, `byte ${at}, bit ${bit}`).toBe('BAD_CHECKPOINT');
        bytes[at]! ^= bit;
      }
    }
    expect(decodeCheckpoint(bytes, 'memory').dataDigest).toBe('xxx');
  });

  it('a flipped bit in the data, as damaged', () => {
    const bytes = encodeCheckpoint(makeCheckpoint());
    bytes[bytes.length - 1]! ^= 1;
    expect(refusal(() => decodeCheckpoint(bytes, 'run/a.safetensors')).message).toMatch(
      /^\[run\/a\.safetensors\] Expected checksum [0-9a-f]{64}, got `[0-9a-f]{64}`\. The file is damaged/,
    );
  });

  it('every cut, and bytes added at the end', () => {
    const bytes = encodeCheckpoint(makeCheckpoint());
    const { length } = headerOf(bytes);
    for (let size = 0; size < bytes.length; size++) {
      const error = refusal(() => decodeCheckpoint(bytes.subarray(0, size), 'cut'));
      expect(error.code, `${size} bytes`).toBe('BAD_CHECKPOINT');
      if (size >= 8) expect(error.message, `${size} bytes of ${8 + length}`).toContain('It is cut short.');
    }
    const longer = new Uint8Array(bytes.length + 1);
    longer.set(bytes);
    expect(refusal(() => decodeCheckpoint(longer, 'longer')).message).toContain('checksum');
  });

  it.each([1e18, 2 ** 40, 2 ** 31])('a header length of %d, without allocating', (length) => {
    const bytes = encodeCheckpoint(makeCheckpoint());
    new DataView(bytes.buffer).setBigUint64(0, BigInt(length), true);
    const before = process.memoryUsage().rss;
    expect(refusal(() => decodeCheckpoint(bytes, 'absurd')).code).toBe('BAD_CHECKPOINT');
    expect(process.memoryUsage().rss - before).toBeLessThan(256 * 2 ** 20);
  });

  it.each([
    ['an empty file', ''],
    ['text', 'These are my notes on generative models, and no checkpoint.'],
    ['a PNG', '\x89PNG\r\n\x1a\n'.padEnd(64, '\0')],
    ['a header that is no object', '\x04\0\0\0\0\0\0\0[1 ]'],
    ["another program's safetensors", '\x10\0\0\0\0\0\0\0{"a":{}}        '],
  ])('%s, as no checkpoint', (_what, content) => {
    const error = refusal(() => decodeCheckpoint(Buffer.from(content, 'latin1'), 'foreign'));
    expect(error.code).toBe('BAD_CHECKPOINT');
    expect(error.message).toContain('Expected a ganx checkpoint, got');
    expect(error.message).toContain('Name a .safetensors file that ganx has saved.');
  });

  it('another format version, by its number', () => {
    const bytes = Buffer.from(encodeCheckpoint(makeCheckpoint()));
    bytes.write('"version":"7"', bytes.indexOf('"version":"1"'));
    expect(refusal(() => decodeCheckpoint(bytes, 'newer')).message).toBe(
      '[newer] Expected format version 1, got `7`. Read it with the version of ganx that saved it.',
    );
  });

  it('another model', () => {
    const checkpoint = makeCheckpoint();
    expectModel(checkpoint, 'mlp-2014');
    const error = refusal(() => expectModel(checkpoint, 'dcgan'));
    expect(error.code).toBe('BAD_CHECKPOINT');
    expect(error.message).toContain('Expected a checkpoint of model dcgan, got `mlp-2014`.');
  });
});
