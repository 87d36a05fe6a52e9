/** Opening any data set: what is refused, progress and stopping, and where the values are kept. */
import { mkdir, readdir, readlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { GanError } from '../src/core/errors.js';
import { openData } from '../src/data/index.js';
import { makeFolder, paint } from './data-helpers.js';

describe('opening', () => {
  it('refuses what is not there, an empty folder and a foreign file', async () => {
    const root = await makeFolder();
    await expect(openData(join(root, 'nope'))).rejects.toThrow(
      /^\[data\] Expected a file, a folder or a built-in set, got `.*nope`. Known are .+ digits, ring, grid, gaussian\.$/,
    );
    await expect(openData(root)).rejects.toThrow(/Expected images in ganx-test-\w+, got `no files`/);
    await writeFile(join(root, 'a.txt'), 'hello');
    await expect(openData(join(root, 'a.txt'))).rejects.toThrow('Expected a source of a known format');
  });

  it.each([{ size: 0 }, { size: 1.5 }, { count: 0 }, { memoryLimitBytes: -1 }])(
    'refuses %j',
    async (options) => {
      await expect(openData('digits', options)).rejects.toBeInstanceOf(GanError);
    },
  );

  it('prefers the built-in name to a path, unless the path says so', async () => {
    const root = await makeFolder();
    await mkdir(join(root, 'digits'));
    await writeFile(join(root, 'digits', '1.png'), await paint(8, 8, 'red'));
    const before = process.cwd();
    try {
      process.chdir(root);
      expect((await openData('digits', { count: 10 })).shape).toEqual([28, 28, 1]);
      expect((await openData('./digits')).shape).toEqual([8, 8, 3]);
    } finally {
      process.chdir(before);
    }
  });

  it('reports progress and stops on a signal', async () => {
    const seen: [number, number | undefined][] = [];
    await openData('ring', { count: 3, onProgress: (done, total) => seen.push([done, total]) });
    expect(seen).toEqual([
      [1, 3],
      [2, 3],
      [3, 3],
    ]);
    const controller = new AbortController();
    setTimeout(() => controller.abort(new Error('enough')), 30);
    await expect(openData('digits', { count: 1e7, signal: controller.signal })).rejects.toThrow('enough');
  });
});

describe('where values are kept', () => {
  it('gives the same from memory and from a temporary file, which is gone after closing', async () => {
    const inMemory = await openData('digits', { count: 60 });
    // 20 rows fit; the rest, and then all of them, go to the file.
    const onDisk = await openData('digits', { count: 60, memoryLimitBytes: 20 * 784 });
    expect(onDisk.digest).toBe(inMemory.digest);
    const order = Array.from({ length: 130 }, (_, i) => (i * 37) % 60);
    expect((await onDisk.read(order)).data).toEqual((await inMemory.read(order)).data);
    if (process.platform === 'linux') {
      expect(await countOpenStores()).toBe(1);
      await onDisk.close();
      expect(await countOpenStores()).toBe(0);
    }
    await onDisk.close();
    await expect(onDisk.read([0])).rejects.toThrow('Expected an open data set');
  });

  it('leaves nothing open when reading fails half way', async () => {
    const root = await makeFolder();
    await writeFile(join(root, '1.png'), await paint(8, 8, 'red'));
    await writeFile(join(root, '2.png'), '');
    await expect(openData(root, { strict: true, memoryLimitBytes: 0 })).rejects.toThrow('strict');
    if (process.platform === 'linux') expect(await countOpenStores()).toBe(0);
  });

  it('refuses indices that are not there', async () => {
    const data = await openData('ring', { count: 5 });
    await expect(data.read([0, 5])).rejects.toThrow('Expected an index from 0 to 4, got `5`');
    await expect(data.read([-1])).rejects.toThrow('got `-1`');
  });
});

/** Temporary files of row stores that this process holds open. */
async function countOpenStores(): Promise<number> {
  const handles = await readdir('/proc/self/fd');
  const targets = await Promise.all(handles.map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')));
  return targets.filter((target) => /ganx-.*\.rows/.test(target)).length;
}
