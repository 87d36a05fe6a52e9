/** The real sets, where they lie beside the project: MNIST and a part of CIFAR-10. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { openData } from '../src/data/index.js';

const MNIST = fileURLToPath(new URL('../../shared/data/mnist', import.meta.url));
const CIFAR = fileURLToPath(new URL('../../shared/data/cifar10-10k.zip', import.meta.url));

describe.skipIf(!existsSync(MNIST))('MNIST', () => {
  it('has 60,000 digits, and its digest stays', async () => {
    const data = await openData(MNIST);
    expect([data.name, data.count, data.shape]).toEqual(['mnist', 60_000, [28, 28, 1]]);
    expect([...data.labelOf!.subarray(0, 5)]).toEqual([5, 0, 4, 1, 9]);
    expect(data.labels).toHaveLength(10);
    expect(data.digest).toBe('e15dbd81ac38d3914af468cd4cb0f0d4e0cdba1cb85ef57879b8a5a9ed6c8981');
    // The mean of all pixels of the training set is known: 0.1307.
    let sum = 0;
    for (let start = 0; start < data.count; start += 1000) {
      const { data: values } = await data.read(Array.from({ length: 1000 }, (_, i) => start + i));
      for (const value of values) sum += value;
    }
    expect(sum / 255 / data.count / 784).toBeCloseTo(0.1307, 4);
    await data.close();
  });
});

describe.skipIf(!existsSync(CIFAR))('a part of CIFAR-10', () => {
  it('has 1,000 colour pictures of each of ten classes', async () => {
    const data = await openData(CIFAR, { strict: true });
    expect([data.count, data.shape]).toEqual([10_000, [32, 32, 3]]);
    expect(data.labels).toEqual('airplane automobile bird cat deer dog frog horse ship truck'.split(' '));
    for (let label = 0; label < 10; label++) {
      expect(data.labelOf!.filter((one) => one === label)).toHaveLength(1000);
    }
    expect(data.digest).toBe('c21644ba9b6e4ccfd4a335232c74b5e56ac1715af8465539ff9a51dc9992e2b3');
    await data.close();
  });
});
