/** Zips of images: the same as a folder, and nothing that a hostile zip asks for. */
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { MAX_FILE_BYTES, MAX_ZIP_BYTES, openData } from '../src/data/index.js';
import { makeFolder, paint, writeZip, type ZipEntry } from './data-helpers.js';

async function saveZip(entries: readonly ZipEntry[]): Promise<string> {
  const path = join(await makeFolder(), 'set.zip');
  await writeFile(path, writeZip(entries));
  return path;
}

describe('a zip of images', () => {
  it('reads as a folder does, below a common folder too', async () => {
    const path = await saveZip([
      { name: 'set/dog/1.png', data: await paint(6, 6, '#010203') },
      { name: 'set/cat/', data: Buffer.alloc(0) },
      { name: 'set/cat/1.jpg', data: await paint(6, 6, '#ffffff', 'jpeg') },
      { name: '__MACOSX/set/cat/._1.jpg', data: Buffer.from('x') },
      { name: 'set/cat/.hidden', data: Buffer.from('x') },
      { name: 'set/cat/readme.txt', data: Buffer.from('x') },
    ]);
    const data = await openData(path);
    expect(data.name).toBe('set');
    expect(data.shape).toEqual([6, 6, 3]);
    expect(data.labels).toEqual(['cat', 'dog']);
    expect([...data.labelOf!]).toEqual([0, 1]);
    expect([...(await data.read([1])).data.subarray(0, 3)]).toEqual([1, 2, 3]);
    expect(data.skipped.map(({ name }) => name)).toEqual(['set/cat/readme.txt']);
  });

  it('is recognized by its content', async () => {
    const path = join(await makeFolder(), 'set.cbz');
    await writeFile(path, writeZip([{ name: '1.png', data: await paint(6, 6, 'red') }]));
    expect((await openData(path)).count).toBe(1);
  });

  it('skips an entry whose bytes do not match their checksum or length', async () => {
    const picture = await paint(6, 6, 'red');
    const path = await saveZip([
      { name: '1.png', data: picture },
      { name: '2.png', data: picture, checksum: 1 },
      { name: '3.png', data: picture, declaredBytes: picture.length + 1 },
    ]);
    const data = await openData(path);
    expect(data.count).toBe(1);
    expect(data.skipped).toEqual([
      { name: '2.png', reason: 'cannot be read: its checksum in the zip differs' },
      { name: '3.png', reason: `cannot be read: ${picture.length} of ${picture.length + 1} bytes` },
    ]);
  });
});

describe('a hostile zip', () => {
  it.each(['../evil.png', 'a/../../evil.png', '/etc/evil.png', 'C:/evil.png', 'a\\..\\evil.png', 'a\\b.png'])(
    'is refused for the name %s',
    async (name) => {
      const path = await saveZip([
        { name: 'good.png', data: await paint(6, 6, 'red') },
        { name, data: await paint(6, 6, 'red') },
      ]);
      const refusal = openData(path);
      await expect(refusal).rejects.toMatchObject({ code: 'BAD_DATA' });
      await expect(refusal).rejects.toThrow(/Expected a sound zip file, got `set\.zip`\. .*evil|b\.png/);
      expect(await readdir(join(path, '..'))).toEqual(['set.zip']);
    },
  );

  it('is refused when an entry says that it unpacks to more than the cap', async () => {
    const path = await saveZip([
      { name: 'bomb.png', data: Buffer.from('x'), declaredBytes: MAX_FILE_BYTES + 1 },
    ]);
    await expect(openData(path)).rejects.toThrow(
      `Expected zip entries that unpack to at most ${MAX_FILE_BYTES} bytes, got \`bomb.png with ${MAX_FILE_BYTES + 1}\`.`,
    );
  });

  it('is refused when all entries together say more than the cap', async () => {
    const many = MAX_ZIP_BYTES / MAX_FILE_BYTES + 1;
    const path = await saveZip(
      Array.from({ length: many }, (_, i) => ({
        name: `${i}.png`,
        data: Buffer.from('x'),
        declaredBytes: MAX_FILE_BYTES,
      })),
    );
    await expect(openData(path)).rejects.toThrow(
      `Expected a zip that unpacks to at most ${MAX_ZIP_BYTES} bytes`,
    );
  });

  it('is refused when an entry unpacks to more than it says', async () => {
    const path = await saveZip([{ name: 'liar.png', data: Buffer.alloc(10_000_000), declaredBytes: 1000 }]);
    const refusal = openData(path);
    await expect(refusal).rejects.toThrow(
      'Expected 1000 bytes in liar.png, got `more`. set.zip lies about its sizes. Do not trust it.',
    );
    await expect(refusal).rejects.toMatchObject({ code: 'BAD_DATA' });
  });

  it('is refused when encrypted', async () => {
    const path = await saveZip([{ name: 'secret.png', data: await paint(6, 6, 'red'), isEncrypted: true }]);
    await expect(openData(path)).rejects.toThrow(
      /Expected a zip without a password, got `secret.png`\. Unpack .*set\.zip and give the folder\./,
    );
  });

  it('is refused when cut off, when it is no zip, and when it holds nothing', async () => {
    const path = await saveZip([{ name: '1.png', data: await paint(60, 60, 'red') }]);
    const whole = writeZip([{ name: '1.png', data: await paint(60, 60, 'red') }]);
    for (const bytes of [
      whole.subarray(0, -10),
      whole.subarray(0, 50),
      Buffer.from('hello'),
      Buffer.alloc(0),
    ]) {
      await writeFile(path, bytes);
      await expect(openData(path)).rejects.toThrow(/Expected a whole zip file, got `.*set\.zip`/);
    }
    await writeFile(path, writeZip([]));
    await expect(openData(path)).rejects.toThrow('Expected images in set, got `no files`');
  });
});
