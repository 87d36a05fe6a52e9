/** Folders and lists of images: order, labels, shape, colour, and everything that can be wrong with a file. */
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { openData } from '../src/data/index.js';
import { makeFolder, paint } from './data-helpers.js';

const CENTRE_OF_8 = 4 * 8 + 4;

/** Reads one grey level per item from the middle of 8 x 8 grey images. */
async function readLevels(data: Awaited<ReturnType<typeof openData>>): Promise<number[]> {
  const { data: values } = await data.read([...Array(data.count).keys()]);
  return Array.from({ length: data.count }, (_, i) => values[i * 64 + CENTRE_OF_8]!);
}

describe('a folder of images', () => {
  it('takes labels from sub-folders, sorts by path and ignores what systems leave behind', async () => {
    const root = await makeFolder();
    for (const folder of ['b', 'a', '__MACOSX']) await mkdir(join(root, folder));
    await writeFile(join(root, 'b', '1.png'), await paint(8, 8, '#202020'));
    await writeFile(join(root, 'a', '2.png'), await paint(8, 8, '#404040'));
    await writeFile(join(root, 'a', '10.png'), await paint(8, 8, '#606060'));
    await writeFile(join(root, '.DS_Store'), 'x');
    await writeFile(join(root, '__MACOSX', '1.png'), 'x');
    const data = await openData(root, { channels: 1 });
    expect(data.count).toBe(3);
    expect(data.shape).toEqual([8, 8, 1]);
    expect(data.labels).toEqual(['a', 'b']);
    expect([...data.labelOf!]).toEqual([0, 0, 1]);
    expect(await readLevels(data)).toEqual([0x60, 0x40, 0x20]);
    expect(data.skipped).toEqual([]);
    await data.close();
    await expect(data.read([0])).rejects.toThrow('Expected an open data set');
  });

  it('has no labels when images lie beside the folders, or in one folder only', async () => {
    const root = await makeFolder();
    await mkdir(join(root, 'a'));
    await writeFile(join(root, 'a', '1.png'), await paint(8, 8, 'red'));
    const single = await openData(root);
    expect([single.labels, single.labelOf]).toEqual([[], undefined]);
    await mkdir(join(root, 'b'));
    await writeFile(join(root, 'b', '1.png'), await paint(8, 8, 'red'));
    expect((await openData(root)).labels).toEqual(['a', 'b']);
    await writeFile(join(root, '1.png'), await paint(8, 8, 'red'));
    expect((await openData(root)).labels).toEqual([]);
  });

  it.each(['png', 'jpeg', 'webp', 'gif', 'tiff', 'avif'] as const)('reads %s', async (format) => {
    const root = await makeFolder();
    await writeFile(join(root, 'x'), await paint(16, 16, '#c83214', format));
    const data = await openData(root);
    expect(data.shape).toEqual([16, 16, 3]);
    const pixel = (await data.read([0])).data.subarray(8 * 48 + 24, 8 * 48 + 27);
    // Lossy formats at quality 100 were at most 3 levels off.
    for (const [c, level] of [0xc8, 0x32, 0x14].entries()) {
      expect(Math.abs(pixel[c]! - level)).toBeLessThanOrEqual(3);
    }
  });

  it('covers and cuts from the centre', async () => {
    const root = await makeFolder();
    const green = await paint(20, 20, '#00ff00');
    const wide = sharp({ create: { width: 60, height: 20, channels: 3, background: '#ff0000' } });
    await writeFile(
      join(root, 'wide.png'),
      await wide
        .composite([{ input: green, left: 20, top: 0 }])
        .png()
        .toBuffer(),
    );
    const data = await openData(root);
    expect(data.shape).toEqual([20, 20, 3]);
    const { data: values } = await data.read([0]);
    expect(new Set(values.filter((_, i) => i % 3 === 0))).toEqual(new Set([0]));
    expect(new Set(values.filter((_, i) => i % 3 === 1))).toEqual(new Set([255]));
  });

  it('lays alpha on white, turns as EXIF says, and narrows 16 bits to 8', async () => {
    const root = await makeFolder();
    const clear = { width: 8, height: 8, channels: 4 as const, background: { r: 0, g: 0, b: 0, alpha: 0.5 } };
    await writeFile(join(root, '1.png'), await sharp({ create: clear }).png().toBuffer());
    const halves = Buffer.from(Array.from({ length: 64 }, (_, i) => (i % 8 < 4 ? 0 : 255)));
    const turned = sharp(halves, { raw: { width: 8, height: 8, channels: 1 } }).withMetadata({
      orientation: 6,
    });
    await writeFile(join(root, '2.png'), await turned.png().toBuffer());
    const deep = sharp(
      Uint16Array.from({ length: 64 }, () => 0x8080),
      {
        raw: { width: 8, height: 8, channels: 1 },
      },
    ).toColourspace('grey16');
    await writeFile(join(root, '3.png'), await deep.png().toBuffer());
    const data = await openData(root, { size: 8, channels: 1 });
    const { data: values } = await data.read([0, 1, 2]);
    expect(Math.abs(values[CENTRE_OF_8]! - 127)).toBeLessThanOrEqual(1);
    // Left black, right white; turned clockwise the top is black.
    expect([values[64 + 4], values[64 + 7 * 8 + 4]]).toEqual([0, 255]);
    expect(Math.abs(values[128 + CENTRE_OF_8]! - 0x80)).toBeLessThanOrEqual(1);
  });

  it('takes size and channels from the first image that can be read', async () => {
    const root = await makeFolder();
    await writeFile(join(root, '0.png'), 'no picture');
    const grey = sharp(Buffer.alloc(12 * 10, 99), { raw: { width: 12, height: 10, channels: 1 } });
    await writeFile(join(root, '1.png'), await grey.toColourspace('b-w').png().toBuffer());
    await writeFile(join(root, '2.png'), await paint(30, 30, '#636363'));
    const data = await openData(root);
    expect(data.shape).toEqual([10, 10, 1]);
    expect(data.count).toBe(2);
    const { data: values } = await data.read([1]);
    expect(new Set(values)).toEqual(new Set([99]));
  });

  it('asks for a size where the first image is large', async () => {
    const root = await makeFolder();
    await writeFile(join(root, '1.png'), await paint(1100, 1200, 'red'));
    await expect(openData(root)).rejects.toThrow(
      '[data] Expected a size for images above 1024 pixels, got `1100 x 1200`. Ask for one, such as 64.',
    );
    expect((await openData(root, { size: 4 })).shape).toEqual([4, 4, 3]);
  });

  it('follows links to folders once, even in a circle', async () => {
    const root = await makeFolder();
    await mkdir(join(root, 'a'));
    await writeFile(join(root, 'a', '1.png'), await paint(8, 8, 'red'));
    await symlink(root, join(root, 'a', 'back'));
    await symlink(join(root, 'nowhere'), join(root, 'a', 'dangling.png'));
    const data = await openData(root);
    expect(data.count).toBe(1);
    expect(data.skipped.map(({ name }) => name)).toEqual(['a/dangling.png']);
    expect(data.skipped[0]!.reason).toContain('cannot be read: ENOENT');
  });
});

describe('files that cannot be used', () => {
  it('skips and names them, and refuses the first one with strict', async () => {
    const root = await makeFolder();
    await writeFile(join(root, 'good.png'), await paint(8, 8, 'red'));
    await writeFile(join(root, 'empty.png'), '');
    await writeFile(join(root, 'notes.txt'), 'hello');
    await writeFile(join(root, 'text.png'), '<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"/>');
    const data = await openData(root);
    expect(data.count).toBe(1);
    expect(data.skipped).toEqual([
      { name: 'empty.png', reason: 'is empty' },
      { name: 'notes.txt', reason: 'is no image (JPEG, PNG, WebP, GIF, TIFF or AVIF)' },
      { name: 'text.png', reason: 'is no image (JPEG, PNG, WebP, GIF, TIFF or AVIF)' },
    ]);
    const refusal = openData(root, { strict: true });
    await expect(refusal).rejects.toThrow(
      '[data] Expected only usable images (strict), got `empty.png is empty`. ' +
        'Remove the file, or open the data without strict to skip it.',
    );
    await expect(refusal).rejects.toMatchObject({ code: 'BAD_DATA' });
  });

  // Tall pictures: the cut lies below the centre crop, where the decoder by itself would not look.
  it.each(['png', 'jpeg', 'webp', 'gif', 'tiff', 'avif'] as const)('notices a cut %s', async (format) => {
    const root = await makeFolder();
    const noise = Buffer.from(Array.from({ length: 24 * 240 * 3 }, (_, i) => (i * i * 7919) % 251));
    const whole = await sharp(noise, { raw: { width: 24, height: 240, channels: 3 } })
      .toFormat(format)
      .toBuffer();
    await writeFile(join(root, '0'), whole);
    for (const share of [0.02, 0.3, 0.6, 0.9, 0.99]) {
      await writeFile(join(root, `${share}`), whole.subarray(0, Math.floor(whole.length * share)));
    }
    const data = await openData(root);
    expect(data.skipped.map(({ name }) => name)).toEqual(['0.02', '0.3', '0.6', '0.9', '0.99']);
    expect(data.count).toBe(1);
  });

  it('refuses a folder where every file is broken, with the count and three reasons', async () => {
    const root = await makeFolder();
    for (let i = 0; i < 5; i++) await writeFile(join(root, `${i}.png`), i % 2 ? 'x' : '');
    await expect(openData(root)).rejects.toThrow(
      /Expected at least one usable image in .+, got `none of 5`. The first reasons: 0.png is empty; 1.png is no image .+; 2.png is empty\.$/,
    );
  });

  it('refuses images that would unpack to gigabytes', async () => {
    const root = await makeFolder();
    const png = await paint(8, 8, 'red');
    png.writeUInt32BE(60_000, 16);
    png.writeUInt32BE(60_000, 20);
    await writeFile(join(root, '1.png'), png);
    await writeFile(join(root, '2.png'), await paint(8, 8, 'red'));
    const data = await openData(root);
    expect(data.skipped).toHaveLength(1);
    expect(data.skipped[0]!.reason).toMatch(/cannot be decoded/);
  });
});
