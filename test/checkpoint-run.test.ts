/**
 * The run folder: names, the newest good checkpoint, pruning, clean-up; and stats.jsonl, which a resumed run cuts back.
 */
import { appendFile, mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type Checkpoint,
  cleanRun,
  latestSnapshot,
  latestState,
  openStats,
  pruneStates,
  resolveSnapshot,
  saveCheckpoint,
  snapshotPath,
  statePath,
} from '../src/checkpoint/index.js';
import { plainTensor } from '../src/core/tensor.js';

let run: string;

beforeEach(async () => {
  run = await mkdtemp(join(tmpdir(), 'ganx-run-'));
});

afterEach(async () => {
  await rm(run, { recursive: true });
});

function makeCheckpoint(kind: Checkpoint['kind'], imagesSeen: number): Checkpoint {
  return {
    kind,
    model: 'mlp',
    modelOptions: {},
    shape: {
      latentSize: 2,
      latentDistribution: 'normal',
      imageShape: [1, 1, 2],
      imageRange: [-1, 1],
      kind: 'points',
    },
    imagesSeen,
    steps: imagesSeen,
    seed: 1,
    dataDigest: 'd',
    tensors: { w: plainTensor(new Float32Array([imagesSeen]), [1]) },
  };
}

async function saveStates(...imagesSeen: number[]): Promise<void> {
  for (const count of imagesSeen)
    await saveCheckpoint(statePath(run, count), makeCheckpoint('training-state', count));
}

describe('run folder', () => {
  it('names files by images seen', () => {
    expect(snapshotPath('out/r', 300_000)).toBe(join('out', 'r', 'snapshot-000300000.safetensors'));
    expect(statePath('out/r', 0)).toBe(join('out', 'r', 'training-state-000000000.safetensors'));
    expect(() => statePath('out/r', 1.5)).toThrow('Expected a whole number of images, got `1.5`.');
  });

  it('finds the newest state by number, beyond nine digits too', async () => {
    await saveStates(200, 1_000_000_000, 999_999_999);
    await writeFile(join(run, 'training-state-final.safetensors'), 'not one of ours');
    const { path, checkpoint, skipped } = await latestState(run);
    expect(basename(path)).toBe('training-state-1000000000.safetensors');
    expect(checkpoint.imagesSeen).toBe(1_000_000_000);
    expect(skipped).toEqual([]);
  });

  it('passes over broken newer states and says why', async () => {
    await saveStates(100, 200, 300);
    await truncate(statePath(run, 300), 300);
    const flipped = await readFile(statePath(run, 200));
    flipped[flipped.length - 1]! ^= 4;
    await writeFile(statePath(run, 200), flipped);
    await saveCheckpoint(statePath(run, 400), makeCheckpoint('snapshot', 400));
    const { checkpoint, skipped } = await latestState(run);
    expect(checkpoint.imagesSeen).toBe(100);
    expect(skipped.map(({ path }) => path)).toEqual([400, 300, 200].map((count) => statePath(run, count)));
    expect(skipped[0]?.reason).toContain('It is a snapshot');
    expect(skipped[1]?.reason).toContain('cut short');
    expect(skipped[2]?.reason).toContain('checksum');
  });

  it('says so when nothing is usable', async () => {
    await expect(latestState(run)).rejects.toThrow(
      `Expected a usable training-state in ${run}, got \`none\`.`,
    );
    await writeFile(statePath(run, 5), '');
    await expect(latestState(run)).rejects.toMatchObject({ code: 'BAD_CHECKPOINT' });
    await expect(latestState(run)).rejects.toThrow('1 unusable');
    await expect(latestState(join(run, 'nowhere'))).rejects.toMatchObject({ code: 'IO' });
  });

  it('resolves a file, or a folder to its latest snapshot, and nothing else', async () => {
    await saveStates(900);
    await saveCheckpoint(snapshotPath(run, 100), makeCheckpoint('snapshot', 100));
    await saveCheckpoint(snapshotPath(run, 200), makeCheckpoint('snapshot', 200));
    expect((await latestSnapshot(run)).path).toBe(snapshotPath(run, 200));
    expect((await resolveSnapshot(run)).checkpoint.imagesSeen).toBe(200);
    expect((await resolveSnapshot(snapshotPath(run, 100))).checkpoint.imagesSeen).toBe(100);
    await expect(resolveSnapshot(statePath(run, 900))).rejects.toThrow(
      'Expected a snapshot, got `a training-state`.',
    );
    const missing = resolveSnapshot(join(run, 'snapshot-9.safetensors'));
    await expect(missing).rejects.toMatchObject({ code: 'IO' });
    await expect(missing).rejects.toThrow('Check the spelling of the path.');
  });

  it('keeps the newest states when pruning', async () => {
    await saveStates(1_000_000_000, 100, 200, 300);
    await saveCheckpoint(snapshotPath(run, 100), makeCheckpoint('snapshot', 100));
    expect(await pruneStates(run)).toEqual([statePath(run, 200), statePath(run, 100)]);
    expect((await readdir(run)).sort()).toEqual([
      'snapshot-000000100.safetensors',
      'training-state-000000300.safetensors',
      'training-state-1000000000.safetensors',
    ]);
    await expect(pruneStates(run, 0)).rejects.toMatchObject({ code: 'BAD_ARGUMENT' });
  });

  it('cleans up temporary files of its own names only', async () => {
    const leftovers = [
      'generator.onnx.1',
      'options.json.4294967295',
      'samples-000000100.png.77',
      'snapshot-000000100.safetensors.123456',
      'training-state-1000000000.safetensors.9',
    ];
    const others = [
      'notes.json.1',
      'options.json',
      'photo.png.2',
      'snapshot-000000100.safetensors',
      'snapshot-000000100.safetensors.1.bak',
      'snapshot-100.safetensors.5',
      'stats.jsonl',
    ];
    for (const name of [...leftovers, ...others]) await writeFile(join(run, name), name);
    expect((await cleanRun(run)).sort()).toEqual(leftovers.map((name) => join(run, name)));
    expect((await readdir(run)).sort()).toEqual(others);
  });
});

describe('stats log', () => {
  it('counts bytes, not characters, and keeps the order of appends that nobody waited for', async () => {
    const log = await openStats(join(run, 'new', 'stats.jsonl'));
    await Promise.all(
      Array.from({ length: 50 }, (_, step) => log.append({ step, note: 'ä二'.repeat(step) })),
    );
    await log.sync();
    const text = await readFile(log.path);
    expect(log.byteLength).toBe(text.length);
    const lines = text.toString('utf8').trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line).step)).toEqual(Array.from({ length: 50 }, (_, i) => i));
    await log.close();
  });

  it('is byte-equal after a kill and a resume', async () => {
    const record = (step: number) => ({ step, loss: 1 / (step + 1) });
    const straight = await openStats(join(run, 'straight.jsonl'));
    for (let step = 0; step < 8; step++) await straight.append(record(step));
    await straight.close();

    const path = join(run, 'stats.jsonl');
    const killed = await openStats(path, 0);
    for (let step = 0; step < 4; step++) await killed.append(record(step));
    const known = killed.byteLength;
    for (let step = 4; step < 6; step++) await killed.append(record(step));
    await killed.close();
    await appendFile(path, '{"step":6,"lo');

    const resumed = await openStats(path, known);
    expect(resumed.byteLength).toBe(known);
    for (let step = 4; step < 8; step++) await resumed.append(record(step));
    await resumed.close();
    expect(await readFile(path, 'utf8')).toBe(await readFile(straight.path, 'utf8'));
  });

  it('goes on with a file when no length is given, and empties it at length 0', async () => {
    const path = join(run, 'stats.jsonl');
    await writeFile(path, '{"a":1}\n');
    const more = await openStats(path);
    await more.append({ b: 2 });
    await more.close();
    expect(await readFile(path, 'utf8')).toBe('{"a":1}\n{"b":2}\n');
    await (await openStats(path, 0)).close();
    expect(await readFile(path, 'utf8')).toBe('');
  });

  it('refuses a file that is not the one the checkpoint knew, and leaves it alone', async () => {
    const path = join(run, 'stats.jsonl');
    await writeFile(path, '{"a":1}\n{"b":2}\n');
    for (const length of [100, 9]) {
      const opening = openStats(path, length);
      await expect(opening).rejects.toMatchObject({ code: 'BAD_DATA' });
      await expect(opening).rejects.toThrow(`Expected whole lines up to byte ${length} of ${path}`);
    }
    expect(await readFile(path, 'utf8')).toBe('{"a":1}\n{"b":2}\n');
  });

  it('drops a line that a kill tore, where no checkpoint knows the length', async () => {
    const path = join(run, 'timing.jsonl');
    await writeFile(path, '{"a":1}\n{"b":');
    const log = await openStats(path);
    await log.append({ b: 2 });
    await log.close();
    expect(await readFile(path, 'utf8')).toBe('{"a":1}\n{"b":2}\n');
  });

  it('refuses a record that JSON would change, and goes on', async () => {
    const log = await openStats(join(run, 'stats.jsonl'));
    await expect(log.append({ loss: Number.NaN })).rejects.toMatchObject({ code: 'BAD_ARGUMENT' });
    await log.append({ loss: 1 });
    await log.close();
    expect(await readFile(log.path, 'utf8')).toBe('{"loss":1}\n');
  });

  it('says what is wrong with a path that cannot be opened', async () => {
    await mkdir(join(run, 'stats.jsonl'));
    await expect(openStats(join(run, 'stats.jsonl'))).rejects.toMatchObject({ code: 'IO' });
  });
});
