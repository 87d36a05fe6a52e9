/** Files that are not what they should be: checkpoints, run folders and .onnx files, cut, flipped, foreign, swapped. */
import { execFileSync } from 'node:child_process';
import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { expectRefusal, ganx, ganxOk, makeWorkplace } from './support/cli.js';
import { encodeModel } from './support/onnx-model.js';

const folder = makeWorkplace();
const NEWEST = 'snapshot-000000080.safetensors';
const STATE = 'training-state-000000080.safetensors';

const run = (line: string) => ganx(line.split(' '), folder);
const read = (name: string): Promise<Buffer> => readFile(join(folder, name));
const write = (name: string, bytes: Uint8Array | string): Promise<void> =>
  writeFile(join(folder, name), bytes);
const exists = async (name: string): Promise<boolean> => (await readdir(folder)).includes(name);

/** A copy of the run whose file is changed by the given function. */
async function makeCopy(
  name: string,
  file: string,
  change: (bytes: Buffer) => Uint8Array | string,
): Promise<void> {
  await cp(join(folder, 'run'), join(folder, name), { recursive: true });
  await write(`${name}/${file}`, change(await read(`run/${file}`)));
}

const flipBit = (bytes: Buffer): Buffer => {
  bytes[bytes.length - 9]! ^= 4;
  return bytes;
};
const cut = (bytes: Buffer): Buffer => bytes.subarray(0, bytes.length - 100);

beforeAll(async () => {
  const tiny = 'train --data ring --model mlp --width 8 --batch 8 --images 80 --snapshot-every 40 --out run';
  await ganxOk(tiny.split(' '), folder);
  await ganxOk(['export', 'run'], folder);
});

describe('a damaged checkpoint', () => {
  it.each([
    ['flipped', flipBit, 'Expected checksum', 'The file is damaged'],
    ['cut', cut, 'Expected a whole file', 'It is cut short.'],
  ])(
    '%s: a snapshot by itself is refused, in a run the one before is used',
    async (name, change, ...parts) => {
      await makeCopy(`${name}-snapshot`, NEWEST, change);
      expectRefusal(
        await run(`export ${name}-snapshot/${NEWEST} -o x.onnx`),
        `${name}-snapshot/${NEWEST}`,
        ...parts,
      );
      expect(await exists('x.onnx')).toBe(false);
      const { code, stdout, stderr } = await run(`export ${name}-snapshot -o ${name}.onnx`);
      expect(code).toBe(0);
      expect(stdout).toContain(`after 40 images`);
      expect(stderr).toContain(`Passed over ${name}-snapshot/${NEWEST}: `);
      expect(stderr).toContain(parts[0]);
    },
  );

  it.each([
    ['flipped', flipBit],
    ['cut', cut],
  ])('%s: --resume goes on from the training state before, to the same end', async (name, change) => {
    await makeCopy(`${name}-state`, STATE, change);
    const { code, stderr } = await run(`train --resume ${name}-state`);
    expect(code).toBe(0);
    expect(stderr).toContain(`Passed over ${name}-state/${STATE}: `);
    expect(stderr).toContain('Going on after 40 of 80 images.');
    expect((await read(`${name}-state/${STATE}`)).equals(await read(`run/${STATE}`))).toBe(true);
  });

  it('everywhere: nothing is left to use, and that is said', async () => {
    await makeCopy('ruined', NEWEST, cut);
    for (const name of await readdir(join(folder, 'ruined')))
      if (name.endsWith('.safetensors')) await write(`ruined/${name}`, cut(await read(`run/${name}`)));
    expectRefusal(await run('export ruined -o x.onnx'), 'Expected a usable snapshot in ruined', '2 unusable');
    expectRefusal(
      await run('train --resume ruined'),
      'Expected a usable training-state in ruined',
      '2 unusable',
    );
    expect(await exists('x.onnx')).toBe(false);
  });

  it('of another version names both', async () => {
    await makeCopy('future', NEWEST, (bytes) =>
      Buffer.from(bytes.toString('latin1').replace('"version":"1"', '"version":"9"'), 'latin1'),
    );
    expectRefusal(await run(`export future/${NEWEST} -o x.onnx`), 'Expected format version 1, got `9`');
  });

  it('is not what a training state or a model file is', async () => {
    expectRefusal(await run(`export run/${STATE} -o x.onnx`), 'Expected a snapshot, got `a training-state`');
    expectRefusal(
      await run('export generator.onnx -o x.onnx'),
      'Expected a run folder or a snapshot, got `generator.onnx`',
      'only --triton takes one',
    );
  });
});

describe('a run folder', () => {
  it.each([
    [
      'model',
      (text: string) => text.replace('"model": "mlp"', '"model": "dcgan"'),
      'a checkpoint of model dcgan, got `mlp`',
    ],
    [
      'options',
      (text: string) => text.replace('"width": 8', '"width": 9'),
      'the model options in options.json',
    ],
    ['seed', (text: string) => text.replace('"seed": 0', '"seed": 1'), 'the seed in options.json'],
    [
      'optimizer',
      (text: string) => text.replace('"optimizer": "adam"', '"optimizer": "momentum"'),
      'saved under other options',
    ],
    ['batch', (text: string) => text.replace('"batch": 8', '"batch": 0'), 'got `batch: '],
    ['json', (text: string) => text.slice(0, 50), 'Expected JSON'],
  ])('whose options.json has another %s is refused, and nothing is lost', async (name, change, part) => {
    await makeCopy(`edited-${name}`, 'options.json', (bytes) => {
      const text = change(bytes.toString());
      expect(text).not.toBe(bytes.toString());
      return text;
    });
    const before = (await readdir(join(folder, `edited-${name}`))).sort();
    expectRefusal(await run(`train --resume edited-${name} --images 160`), part);
    expect((await readdir(join(folder, `edited-${name}`))).sort()).toEqual(before);
    expect((await read(`edited-${name}/${STATE}`)).equals(await read(`run/${STATE}`))).toBe(true);
  });

  it('is what --resume, export and parity need', async () => {
    await mkdir(join(folder, 'bare'));
    const part = 'Expected a run folder with options.json, got `';
    expectRefusal(await run('train --resume bare'), part, 'Name a folder that `ganx train` has written.');
    expectRefusal(await run('train --resume nowhere'), part, 'nothing there');
    expectRefusal(await run('train --resume generator.onnx'), part);
    expectRefusal(await run('export bare -o x.onnx'), 'Expected a usable snapshot in bare, got `none`');
    expectRefusal(await run('parity nowhere'), 'a snapshot or a run folder at nowhere', 'Check the spelling');
    expect(await readdir(join(folder, 'bare'))).toEqual([]);
  });
});

describe('an .onnx file', () => {
  it('that is missing, empty, a folder or something else', async () => {
    await write('empty.onnx', '');
    await write('letter.onnx', 'dear reader, this is no model');
    for (const verb of ['sample', 'info']) {
      expectRefusal(await run(`${verb} nothing.onnx`), 'to read nothing.onnx', 'Check the spelling');
      expectRefusal(await run(`${verb} empty.onnx`), 'Expected an ONNX file, got `0 bytes`');
      expectRefusal(
        await run(`${verb} letter.onnx`),
        'Expected an ONNX file',
        'Check that this is the right file.',
      );
      expectRefusal(await run(`${verb} run`), 'to read run', 'That path is a folder where a file is needed');
    }
    expectRefusal(await run('parity letter.onnx'), 'Expected an ONNX file');
    expect(await exists('samples.png')).toBe(false);
  });

  it.each([0.02, 0.3, 0.6, 0.9, 0.999])('that is cut off at %d of its length', async (share) => {
    const whole = await read('generator.onnx');
    await write('cut-off.onnx', whole.subarray(0, Math.floor(whole.length * share)));
    expectRefusal(await run('sample cut-off.onnx'), 'Expected', 'ONNX file', 'got `');
    expectRefusal(await run('info cut-off.onnx'), 'Expected', 'ONNX file', 'got `');
    expect(await exists('samples.png')).toBe(false);
  });

  it('of another program: sample says what can still be done, info shows it', async () => {
    await write(
      'foreign.onnx',
      encodeModel({
        inputs: { x: ['float32', ['n']] },
        outputs: { y: ['float32', ['n']] },
        nodes: [['Erf', ['x'], ['y']]],
      }),
    );
    expectRefusal(
      await run('sample foreign.onnx'),
      'Expected ganx metadata in the file',
      'Its inputs are x float32 [n]',
    );
    const stdout = await ganxOk(['info', 'foreign.onnx'], folder);
    expect(stdout).toMatch(/^operators +Erf ×1$/m);
    expect(stdout).toMatch(/^metadata +none of ganx/m);
    expect(JSON.parse(await ganxOk(['info', 'foreign.onnx', '--json'], folder)).metadata).toBeNull();
  });
});

/** Mounts a disk of that size, or gives the reason why this cannot be done here. */
function mountDisk(path: string, size: string): string | undefined {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', path], { stdio: 'pipe' });
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

describe('a disk that fills while a training saves', () => {
  it('ends it with a clear message; freed, --resume goes on from the last state', async (context) => {
    const disk = join(folder, 'disk');
    await mkdir(disk);
    const reason = mountDisk(disk, '2500k');
    if (reason !== undefined) return context.skip(`Mounting a tmpfs is not allowed here: ${reason}`);
    try {
      const line =
        'train --data digits --model dcgan --width 4 --batch 8 --images 160 --snapshot-every 16 --out';
      expectRefusal(
        await run(`${line} disk/run`),
        'Expected to write disk/run/',
        'got `ENOSPC',
        'Free some space on that disk',
      );
      const names = await readdir(join(disk, 'run'));
      expect(names.filter((name) => /\.\d+$/.test(name))).toEqual([]);
      expect(names.filter((name) => name.startsWith('training-state-'))).toHaveLength(2);
      execFileSync('mount', ['-o', 'remount,size=20m', disk]);
      const { code, stderr } = await run('train --resume disk/run');
      expect(code).toBe(0);
      expect(stderr).toMatch(/Going on after [1-9]\d* of 160 images\./);
      expect(stderr).not.toContain('Passed over');
      await ganxOk([...line.split(' '), 'elsewhere'], folder);
      const end = 'training-state-000000160.safetensors';
      expect((await read(`disk/run/${end}`)).equals(await read(`elsewhere/${end}`))).toBe(true);
      execFileSync('mount', ['-o', 'remount,ro', disk]);
      expectRefusal(
        await run(`${line} disk/other`),
        'the folder disk/other',
        'That file system is read-only',
      );
    } finally {
      execFileSync('umount', [disk]);
    }
  });
});
