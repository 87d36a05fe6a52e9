/** Training data that cannot be used: refused by name, before anything is written. */
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { paint, writeZip } from './data-helpers.js';
import { expectRefusal, ganx, ganxOk, makeWorkplace, type Outcome } from './support/cli.js';

const folder = makeWorkplace();

const train = (data: string, ...more: readonly string[]): Promise<Outcome> =>
  ganx(
    [
      'train',
      '--data',
      data,
      '--model',
      'dcgan',
      '--width',
      '4',
      '--batch',
      '2',
      '--images',
      '4',
      '--out',
      'run',
      ...more,
    ],
    folder,
  );

/** Refused, and no run folder was made. */
async function expectRefused(outcome: Promise<Outcome>, ...parts: readonly string[]): Promise<void> {
  expectRefusal(await outcome, ...parts);
  expect(await readdir(folder)).not.toContain('run');
}

const write = (name: string, bytes: Uint8Array | string): Promise<void> =>
  writeFile(join(folder, name), bytes);

async function makePictures(name: string, good: number, broken: number): Promise<void> {
  await mkdir(join(folder, name));
  const colours = ['red', 'green', 'blue', 'white', 'black', 'yellow'];
  for (let i = 0; i < good; i++) await write(`${name}/good-${i}.png`, await paint(28, 28, colours[i]!));
  for (let i = 0; i < broken; i++) await write(`${name}/broken-${i}.png`, `no picture, number ${i}`);
}

describe('a source that is none', () => {
  it('a path where nothing is', async () => {
    await expectRefused(
      train('nowhere/photos'),
      'Expected a file, a folder or a built-in set, got `nowhere/photos`',
      'Known are a folder or zip of images',
      'digits, ring',
    );
  });

  it('an empty folder', async () => {
    await mkdir(join(folder, 'empty'));
    await expectRefused(train('empty'), 'Expected images in empty, got `no files`', 'Put images');
  });

  it('a file of no known format', async () => {
    await write('letter.txt', 'dear reader');
    await expectRefused(train('letter.txt'), 'a source of a known format, got `letter.txt`', 'Known are');
  });

  it('points for a model of images', async () => {
    await expectRefused(train('ring'), 'Expected images, got `points`', 'mlp');
  });

  it('fewer images than a batch', async () => {
    await makePictures('few', 3, 0);
    await expectRefused(
      ganx(['train', '--data', 'few', '--model', 'dcgan', '--batch', '4', '--out', 'run'], folder),
      'Expected a batch of at most 3, the size of few, got `4`',
      'Set --batch.',
    );
  });

  it('a size that the model does not make', async () => {
    await expectRefused(train('few', '--size', '33'), 'Expected square images of 28, 32', 'Set --size.');
  });
});

describe('a zip that is not to be trusted', () => {
  it('with a name that leaves it', async () => {
    const data = await paint(28, 28, 'red');
    await write('slip.zip', writeZip([{ name: '../escaped.png', data }]));
    await expectRefused(train('slip.zip'), 'Expected a sound zip file', '../escaped.png', 'Do not trust it.');
  });

  it('that says it unpacks to too much', async () => {
    const data = Buffer.alloc(1000);
    await write('huge.zip', writeZip([{ name: 'a.png', data, declaredBytes: 4_000_000_000 }]));
    await expectRefused(train('huge.zip'), 'unpack to at most 67108864 bytes', 'a.png with 4000000000');
    const entries = Array.from({ length: 140 }, (_, i) => ({
      name: `${i}.png`,
      data,
      declaredBytes: 64 * 2 ** 20,
    }));
    await write('many.zip', writeZip(entries));
    await expectRefused(train('many.zip'), 'Expected a zip that unpacks to at most 8589934592 bytes');
  });

  it('that lies about what it unpacks to', async () => {
    const bomb = writeZip([{ name: 'a.png', data: Buffer.alloc(50_000_000), declaredBytes: 100 }]);
    expect(bomb.length).toBeLessThan(100_000);
    await write('bomb.zip', bomb);
    await expectRefused(train('bomb.zip'), 'Expected 100 bytes in a.png, got `more`', 'bomb.zip lies about');
  });

  it('that is cut off', async () => {
    const whole = writeZip([{ name: 'a.png', data: await paint(28, 28, 'red') }]);
    await write('cut.zip', whole.subarray(0, whole.length - 10));
    await expectRefused(train('cut.zip'), 'Expected a whole zip file, got `cut.zip`');
  });
});

describe('broken images', () => {
  it('and nothing else: the first are named, with reasons', async () => {
    await makePictures('broken', 0, 4);
    await expectRefused(train('broken'), 'at least one usable image in broken', 'none of 4', 'broken-0.png');
  });

  it('among good ones are skipped, named and counted; --strict refuses them', async () => {
    await makePictures('mixed', 5, 7);
    await expectRefused(
      train('mixed', '--strict'),
      'only usable images (strict)',
      'broken-0.png',
      'without strict',
    );
    const { code, stderr } = await train('mixed');
    expect(code).toBe(0);
    expect(stderr).toContain(
      'Skipped 7 files that cannot be used (--strict refuses them):\n  broken-0.png: ',
    );
    expect(stderr).toContain('  broken-4.png: ');
    expect(stderr).toContain('  and 2 more\n');
    expect(stderr).toContain('dcgan on mixed: 5 images of 28×28×3');
    await rm(join(folder, 'run'), { recursive: true });
  });
});

describe('data that changed since the run began', () => {
  it('is refused by --resume, and nothing of the run is lost', async () => {
    await makePictures('album', 4, 0);
    const begin = 'train --data album --model dcgan --width 4 --batch 2 --images 4 --out kept';
    await ganxOk(begin.split(' '), folder);
    await write('album/good-0.png', await paint(28, 28, 'purple'));
    const before = await readdir(join(folder, 'kept'));
    const again = ['train', '--resume', 'kept', '--images', '8'];
    expectRefusal(
      await ganx(again, folder),
      'Expected the data that the run began with (SHA-256 ',
      'in album',
      'Restore it, name its place with --data',
    );
    expect(await readdir(join(folder, 'kept'))).toEqual(before);
    await makePictures('copy', 4, 0);
    expect(await ganxOk([...again, '--data', 'copy'], folder)).toMatch(/^Trained on 8 images/);
  });
});
