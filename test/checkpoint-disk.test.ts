/**
 * Saving when things go wrong: processes killed in the middle, full disks, size limits, folders not to be written.
 * The children run the built code, as users do (`npm run build` first); kills and disks are real.
 */
import { execFileSync, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  type Checkpoint,
  cleanRun,
  encodeCheckpoint,
  loadCheckpoint,
  openStats,
  saveCheckpoint,
  statePath,
  writeFileAtomically,
} from '../src/checkpoint/index.js';
import { uniform } from '../src/core/random.js';
import { plainTensor } from '../src/core/tensor.js';

const BUILT = new URL('../dist/src/checkpoint/index.js', import.meta.url);

let folder: string;

beforeAll(() => {
  if (!existsSync(BUILT)) throw new Error('dist/ is missing: run `npm run build` first.');
});

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ganx-disk-'));
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

/** A checkpoint of about `sizeBytes`, every weight equal to `imagesSeen`. */
function makeCheckpoint(imagesSeen: number, sizeBytes: number): Checkpoint {
  const shape = {
    latentSize: 2,
    latentDistribution: 'normal',
    imageShape: [1, 1, 2],
    imageRange: [-1, 1],
    kind: 'points',
  } as const;
  const weights = new Float32Array(sizeBytes / 4).fill(imagesSeen);
  return {
    kind: 'training-state',
    model: 'mlp',
    modelOptions: {},
    shape,
    imagesSeen,
    steps: imagesSeen,
    seed: 1,
    dataDigest: 'd',
    tensors: { weights: plainTensor(weights, [weights.length]) },
  };
}

/** Source of a child that saves to `path` over and over and prints the number of each save that has returned. */
function saveInLoop(path: string): string {
  return `
    import { writeSync } from 'node:fs';
    import { saveCheckpoint } from ${JSON.stringify(BUILT.href)};
    const template = ${JSON.stringify({ ...makeCheckpoint(0, 0), tensors: {} })};
    for (let i = 1; ; i++) {
      const weights = { shape: [500000], dtype: 'float32', data: new Float32Array(500000).fill(i) };
      await saveCheckpoint(${JSON.stringify(path)}, { ...template, imagesSeen: i, steps: i, tensors: { weights } });
      writeSync(1, i + '\\n');
    }`;
}

/** Starts the child, kills it `delayMs` after its first save, and gives the number it reported last. */
async function killWhileSaving(path: string, delayMs: number): Promise<number> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', saveInLoop(path)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  const closed = new Promise<string | null>((resolve) => {
    child.once('close', (_code, signal) => resolve(signal));
  });
  while (!output.includes('\n') && child.exitCode === null) await sleep(1);
  await sleep(delayMs);
  child.kill('SIGKILL');
  expect(await closed).toBe('SIGKILL');
  return Number(output.slice(0, output.lastIndexOf('\n')).split('\n').at(-1));
}

describe('a process killed while it saves', () => {
  it('leaves a whole file, the last one or the one it was about to report, 20 times', async () => {
    const path = statePath(folder, 1);
    await writeFile(join(folder, 'stats.jsonl.123'), 'a file of the user');
    const delays = uniform(7, 'kill', 0, 20, 0, 60);
    let leftovers = 0;
    for (const delay of delays) {
      const reported = await killWhileSaving(path, delay);
      const { imagesSeen, tensors } = await loadCheckpoint(path);
      expect([reported, reported + 1]).toContain(imagesSeen);
      expect(tensors.weights?.data.every((weight) => weight === imagesSeen)).toBe(true);
      leftovers += (await cleanRun(folder)).length;
      expect((await readdir(folder)).sort()).toEqual([
        'stats.jsonl.123',
        'training-state-000000001.safetensors',
      ]);
    }
    expect(leftovers, 'some of the kills came in the middle of a write').toBeGreaterThan(0);
  });
});

describe('a file that cannot be written', () => {
  it.skipIf(process.platform === 'win32')('stays as it was under a file size limit', async () => {
    const path = join(folder, 'state.safetensors');
    await saveCheckpoint(path, makeCheckpoint(1, 16_384));
    const before = await readFile(path);
    const source = `
      import { saveCheckpoint, loadCheckpoint, openStats } from ${JSON.stringify(BUILT.href)};
      const path = ${JSON.stringify(path)};
      const old = await loadCheckpoint(path);
      const weights = { shape: [100000], dtype: 'float32', data: new Float32Array(100000) };
      await saveCheckpoint(path, { ...old, tensors: { weights } }).catch((error) => {
        console.log(JSON.stringify({ code: error.code, message: error.message }));
      });
      const log = await openStats(path + '.stats');
      const appended = await log.append({ note: 'x'.repeat(100000) }).catch((error) => error.message);
      await log.append({ step: 1 });
      console.log(JSON.stringify(appended));`;
    // 64 blocks of 1024 bytes: the first write of the new file stops in the middle, without an error.
    const output = execFileSync('bash', [
      '-c',
      'ulimit -f 64; exec "$0" --input-type=module -e "$1"',
      process.execPath,
      source,
    ]);
    const [{ code, message }, appended] = output
      .toString()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(code).toBe('IO');
    expect(message).toContain(`Expected to write ${path}, got \`EFBIG`);
    expect(message).toContain('Raise the file size limit (`ulimit -f`)');
    expect(await readFile(path)).toEqual(before);
    expect(appended).toContain('EFBIG');
    expect(await readFile(`${path}.stats`, 'utf8')).toBe('{"step":1}\n');
    expect((await readdir(folder)).sort()).toEqual(['state.safetensors', 'state.safetensors.stats']);
  });

  it('says so when a part of the path is a file', async () => {
    await writeFile(join(folder, 'file'), 'kept');
    for (const path of [join(folder, 'file', 'a'), join(folder, 'file', 'b', 'c')]) {
      const writing = writeFileAtomically(path, new Uint8Array(1));
      await expect(writing).rejects.toMatchObject({ code: 'IO' });
      await expect(writing).rejects.toThrow(`Expected to write ${path}, got`);
      await expect(writing).rejects.toThrow('is a file where a folder is needed');
    }
    expect(await readFile(join(folder, 'file'), 'utf8')).toBe('kept');
  });

  it('says so when the path is a folder, and leaves no temporary file', async () => {
    await expect(writeFileAtomically(folder, new Uint8Array(1))).rejects.toThrow(
      'a folder where a file is needed',
    );
    expect(await readdir(tmpdir())).not.toContainEqual(expect.stringMatching(/^ganx-disk-\w+\.\d+$/));
  });

  it('says so when there is nothing to load', async () => {
    const loading = loadCheckpoint(join(folder, 'nothing.safetensors'));
    await expect(loading).rejects.toMatchObject({ code: 'IO' });
    await expect(loading).rejects.toThrow('Check the spelling of the path.');
  });
});

/** Mounts a disk of 256 KiB, or gives the reason why this cannot be done here. */
function mountSmallDisk(path: string): string | undefined {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', path], { stdio: 'pipe' });
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

describe('a real small disk', () => {
  it('keeps the previous file when it is full, and when it is read-only', async (context) => {
    const reason = mountSmallDisk(folder);
    if (reason !== undefined) return context.skip(`Mounting a tmpfs is not allowed here: ${reason}`);
    try {
      const path = join(folder, 'state.safetensors');
      await saveCheckpoint(path, makeCheckpoint(1, 100_000));
      const before = await readFile(path);

      const saving = saveCheckpoint(path, makeCheckpoint(2, 200_000));
      await expect(saving).rejects.toMatchObject({ code: 'IO', cause: { code: 'ENOSPC' } });
      await expect(saving).rejects.toThrow(`Expected to write ${path}, got \`ENOSPC`);
      await expect(saving).rejects.toThrow('Free some space on that disk');
      expect(await readFile(path)).toEqual(before);
      expect(await readdir(folder)).toEqual(['state.safetensors']);

      // The space that the failed save took is free again: one that fits does succeed.
      await saveCheckpoint(path, makeCheckpoint(3, 100_000));
      expect(new Uint8Array(await readFile(path))).toEqual(encodeCheckpoint(makeCheckpoint(3, 100_000)));

      const log = await openStats(join(folder, 'stats.jsonl'));
      await log.append({ step: 1 });
      const appending = log.append({ note: 'x'.repeat(200_000) });
      await expect(appending).rejects.toMatchObject({ code: 'IO', cause: { code: 'ENOSPC' } });
      await log.append({ step: 2 });
      await log.close();
      expect(await readFile(log.path, 'utf8')).toBe('{"step":1}\n{"step":2}\n');

      execFileSync('mount', ['-o', 'remount,ro', folder]);
      const refused = saveCheckpoint(path, makeCheckpoint(4, 1_000));
      await expect(refused).rejects.toThrow('That file system is read-only: choose another folder.');
      expect((await loadCheckpoint(path)).imagesSeen).toBe(3);
    } finally {
      execFileSync('umount', [folder]);
    }
  });
});
