/** IDX, CIFAR-10 and .npy files: right values, and a refusal with true numbers for each way to be wrong. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { encodeNpy, encodeNpyHeader } from '../src/core/npy.js';
import { plainTensor } from '../src/core/tensor.js';
import { openData } from '../src/data/index.js';
import { countUp, makeFolder, writeIdx } from './data-helpers.js';

async function save(name: string, bytes: Uint8Array): Promise<string> {
  const path = join(await makeFolder(), name);
  await writeFile(path, bytes);
  return path;
}

describe('IDX', () => {
  const images = writeIdx([3, 5, 5], countUp(75));
  const labels = writeIdx([3], Uint8Array.of(7, 0, 9));

  it.each([
    ['images-idx3-ubyte', 'labels-idx1-ubyte'],
    ['images.idx3-ubyte', 'labels.idx1-ubyte'],
    ['images-idx3-ubyte.gz', 'labels-idx1-ubyte'],
    ['images-idx3-ubyte', 'labels-idx1-ubyte.gz'],
  ])('reads %s with %s, as a folder or a file', async (imagesName, labelsName) => {
    const root = await makeFolder();
    const pack = (name: string, bytes: Buffer) => (name.endsWith('.gz') ? gzipSync(bytes) : bytes);
    await writeFile(join(root, `train-${imagesName}`), pack(imagesName, images));
    await writeFile(join(root, `train-${labelsName}`), pack(labelsName, labels));
    await writeFile(join(root, 't10k-images-idx3-ubyte'), writeIdx([1, 2, 2], countUp(4)));
    for (const source of [root, join(root, `train-${imagesName}`)]) {
      const data = await openData(source);
      expect(data.name).toMatch(/^ganx-test-/);
      expect(data.shape).toEqual([5, 5, 1]);
      expect(data.labels).toEqual(['0', '1', '2', '3', '4', '5', '6', '7', '8', '9']);
      expect([...data.labelOf!]).toEqual([7, 0, 9]);
      expect([...(await data.read([2, 0])).data]).toEqual([...countUp(75).subarray(50), ...countUp(25)]);
    }
  });

  it('does without labels, resizes and makes grey RGB', async () => {
    const path = await save('some.idx', writeIdx([2, 4, 6], new Uint8Array(48).fill(80)));
    const data = await openData(path, { size: 3, channels: 3 });
    expect(data.shape).toEqual([3, 3, 3]);
    expect(data.labelOf).toBeUndefined();
    expect(new Set((await data.read([0, 1])).data)).toEqual(new Set([80]));
  });

  it('reduces as libvips does', async () => {
    const pixels = countUp(32 * 32).map((i, at) => (i * 7919 + (at >> 3) * 31) % 251);
    const data = await openData(await save('some.idx', writeIdx([1, 32, 32], pixels)), { size: 20 });
    const { data: values } = await data.read([0]);
    const reference = await sharp(pixels, { raw: { width: 32, height: 32, channels: 1 } })
      .resize(20, 20, { kernel: 'cubic' })
      .toColourspace('b-w')
      .raw()
      .toBuffer();
    // libvips computes in fixed point and rounds between the two axes.
    const worst = Math.max(...reference.map((value, i) => Math.abs(value - values[i]!)));
    expect(worst).toBeLessThanOrEqual(2);
  });

  it.each([
    [10, 10, 25],
    [10, 13, 25],
    [40, 40, 16],
    [40, 47, 16],
  ])('keeps a slope of %i x %i a slope at %i, cut from the very centre', async (height, width, size) => {
    const slope = 5;
    const pixels = Uint8Array.from({ length: height * width }, (_, i) => (i % width) * slope);
    const data = await openData(await save('some.idx', writeIdx([1, height, width], pixels)), { size });
    const { data: values } = await data.read([0]);
    const scale = size / height;
    // Within two input pixels of the border the repeated edge counts too.
    const border = Math.ceil(2 * Math.max(1, scale));
    for (let x = border; x < size - border; x++) {
      const exact = slope * (width / 2 + (x + 0.5 - size / 2) / scale - 0.5);
      expect(Math.abs(values[3 * size + x]! - exact)).toBeLessThanOrEqual(0.5001);
    }
  });

  it('refuses a wrong magic, wrong lengths, damaged gzip and labels that do not fit', async () => {
    const root = await makeFolder();
    const path = join(root, 'train-images-idx3-ubyte');
    const check = async (bytes: Uint8Array, message: string | RegExp) => {
      await writeFile(path, bytes);
      const refusal = openData(path);
      await expect(refusal).rejects.toThrow(message);
      await expect(refusal).rejects.toMatchObject({ code: 'BAD_DATA' });
    };
    await check(labels, 'Expected IDX with magic 0x00000803 (uint8, 3 dimensions), got `0x00000801`.');
    await check(images.subarray(0, 9), 'Expected an IDX header of 16 bytes, got `9 bytes`.');
    await check(
      images.subarray(0, 90),
      `Expected 91 bytes in ${path}, as its header says, got \`90 bytes\`.`,
    );
    await check(Buffer.concat([images, Buffer.of(1)]), 'as its header says, got `more`');
    await check(writeIdx([3, 0, 5], countUp(0)), 'Expected images of 1 to 16384 pixels a side, got `5 x 0`');
    await check(
      gzipSync(images).subarray(0, 40),
      /Expected whole gzip data, got `.+`\. unexpected end of file\./,
    );
    const noise = gzipSync(images);
    noise.fill(0x55, 20, 40);
    await check(noise, 'Expected whole gzip data');
    await writeFile(join(root, 'train-labels-idx1-ubyte'), writeIdx([2], countUp(2)));
    await check(images, /Expected 3 labels in .+, one for each image, got `2`\./);
    await writeFile(join(root, 'train-labels-idx1-ubyte'), labels.subarray(0, 10));
    await check(images, 'Expected 11 bytes');
  });

  it('asks which of several files is meant', async () => {
    const root = await makeFolder();
    for (const name of ['a', 'b']) await writeFile(join(root, `${name}-images-idx3-ubyte`), images);
    await expect(openData(root)).rejects.toThrow(
      'Expected one file of IDX images, got `a-images-idx3-ubyte, b-images-idx3-ubyte`.',
    );
  });
});

describe('CIFAR-10', () => {
  /** A record whose planes are constant. */
  const record = (label: number, red: number, green: number, blue: number) =>
    Buffer.concat([
      Buffer.of(label),
      Buffer.alloc(1024, red),
      Buffer.alloc(1024, green),
      Buffer.alloc(1024, blue),
    ]);

  it('joins the batches of a folder in order and interleaves the planes', async () => {
    const root = await makeFolder();
    await writeFile(join(root, 'data_batch_2.bin'), record(9, 4, 5, 6));
    await writeFile(join(root, 'data_batch_1.bin'), Buffer.concat([record(0, 1, 2, 3), record(3, 7, 8, 9)]));
    await writeFile(join(root, 'test_batch.bin'), record(1, 0, 0, 0));
    const data = await openData(root);
    expect(data.shape).toEqual([32, 32, 3]);
    expect([...data.labelOf!].map((label) => data.labels[label])).toEqual(['airplane', 'cat', 'truck']);
    const { data: values } = await data.read([2, 0]);
    expect([...values.subarray(0, 6)]).toEqual([4, 5, 6, 4, 5, 6]);
    expect([...values.subarray(-3)]).toEqual([1, 2, 3]);
  });

  it('refuses lengths and labels that cannot be', async () => {
    const cut = await save('data_batch_1.bin', record(0, 1, 2, 3).subarray(1));
    await expect(openData(cut)).rejects.toThrow(
      'Expected a CIFAR-10 file whose length is a multiple of 3073 bytes, got `3072 bytes`.',
    );
    const foreign = await save('data_batch_1.bin', record(10, 1, 2, 3));
    await expect(openData(foreign)).rejects.toThrow(
      'Expected CIFAR-10 labels from 0 to 9, got `10 in data_batch_1.bin#0`.',
    );
  });
});

describe('.npy as data', () => {
  it('takes uint8 as images, with and without channels', async () => {
    const grey = await save('grey.npy', encodeNpy(plainTensor(countUp(2 * 3 * 3), [2, 3, 3])));
    const data = await openData(grey);
    expect([data.kind, data.name, data.shape]).toEqual(['images', 'grey', [3, 3, 1]]);
    expect([...(await data.read([1])).data]).toEqual([...countUp(18).subarray(9)]);
    const colour = await save('c.npy', encodeNpy(plainTensor(countUp(2 * 2 * 2 * 3), [2, 2, 2, 3])));
    expect([...(await (await openData(colour)).read([1])).data]).toEqual([...countUp(24).subarray(12)]);
    const clear = await save('a.npy', encodeNpy(plainTensor(new Uint8Array(16), [1, 2, 2, 4])));
    expect(new Set((await (await openData(clear)).read([0])).data)).toEqual(new Set([255]));
  });

  it('takes float32 as points', async () => {
    const points = Float32Array.of(-1, 0.5, 0.25, 1);
    const data = await openData(await save('p.npy', encodeNpy(plainTensor(points, [2, 2]))));
    expect([data.kind, data.shape]).toEqual(['points', [1, 1, 2]]);
    const read = await data.read([1, 0]);
    expect(read.shape).toEqual([2, 1, 1, 2]);
    expect(read.data).toEqual(Float32Array.of(0.25, 1, -1, 0.5));
    const line = await openData(await save('l.npy', encodeNpy(plainTensor(points, [4]))));
    expect([line.count, line.shape]).toEqual([4, [1, 1, 1]]);
  });

  it('refuses what it cannot mean', async () => {
    const check = async (bytes: Uint8Array, message: string) => {
      const refusal = openData(await save('x.npy', bytes));
      await expect(refusal).rejects.toThrow(message);
      await expect(refusal).rejects.toMatchObject({ code: 'BAD_DATA' });
    };
    const whole = encodeNpy(plainTensor(Float32Array.of(0, 1, 0, 1), [2, 2]));
    await check(whole.subarray(0, -1), 'for shape [2, 2], got `143 bytes`. The file is cut off.');
    await check(Buffer.concat([whole, whole]), 'got `288 bytes`. The file is damaged.');
    await check(
      encodeNpy(plainTensor(Float32Array.of(0, 1.5), [2, 1])),
      'got `1.5 in row 1`. Scale the points',
    );
    await check(encodeNpy(plainTensor(Float32Array.of(Number.NaN), [1, 1])), 'got `NaN in row 0`');
    await check(encodeNpy(plainTensor(new Int32Array(4), [2, 2])), 'got `int32 [2, 2]`');
    await check(encodeNpy(plainTensor(new Uint8Array(20), [1, 2, 2, 5])), 'got `uint8 [1, 2, 2, 5]`');
    await check(encodeNpy(plainTensor(new Float32Array(8), [2, 2, 2])), 'got `float32 [2, 2, 2]`');
    await check(encodeNpyHeader('uint8', [0, 2, 2]), 'got `uint8 [0, 2, 2]`');
    await check(Buffer.from('hello'), 'Expected the magic bytes 93 4e 55 4d 50 59, got `68 65 6c 6c 6f`');
  });
});
