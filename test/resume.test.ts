/**
 * A training that was stopped, politely or not, and gone on with is the one that was never stopped: the same weights,
 * optimizer slots, averages and statistics, byte for byte. Kills are real: SIGKILL to the built program.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { decodeCheckpoint } from '../src/checkpoint/index.js';
import { encodeNpy } from '../src/core/npy.js';
import { uniform } from '../src/core/random.js';
import { plainTensor } from '../src/core/tensor.js';
import { drawDigit } from '../src/data/draw-digit.js';
import { probeTensorflowEngine } from '../src/train/engines/tensorflow-engine.js';
import {
  expectRefusal,
  ganx,
  ganxOk,
  makeWorkplace,
  type Running,
  startGanx,
  waitUntil,
} from './support/cli.js';

const folder = makeWorkplace();
// Part of the built-in set: every program that starts here would draw the whole of it.
const digits = Array.from({ length: 200 }, (_, i) => [...drawDigit(0, i, 28)]).flat();
await writeFile(
  join(folder, 'digits.npy'),
  encodeNpy(plainTensor(Uint8Array.from(digits), [200, 28, 28, 1])),
);

const STEPS = 120;
/** Steps of the first snapshot, after which runs are stopped. */
const FIRST = 40;
const BATCH = 8;
const END = String(STEPS * BATCH).padStart(9, '0');

/** Three snapshots; enough work in a step to be caught in the middle of a run. */
const COMMON = `--batch ${BATCH} --images ${STEPS * BATCH} --snapshot-every ${FIRST * BATCH} --seed 5`;
const DCGAN = `--data digits.npy --model dcgan --width 4 ${COMMON}`;
const MLP = `--data digits.npy --model mlp --width 64 --optimizer adam ${COMMON}`;
const TFJS = `--data ring --model mlp --width 16 --engine tfjs ${COMMON}`;
const NATIVE = `${DCGAN} --engine tensorflow --device cpu`;

const native = await probeTensorflowEngine('cpu');
const isRequired = (process.env.GANX_REQUIRE ?? '').split(',').includes('tensorflow');

const start = (options: string, name: string): Running =>
  startGanx(['train', ...options.split(' '), '--out', name], folder);
const resume = (name: string): Running => startGanx(['train', '--resume', name], folder);
const trainWhole = (options: string, name: string): Promise<string> =>
  ganxOk(['train', ...options.split(' '), '--out', name], folder);

const list = (name: string): string[] => {
  try {
    return readdirSync(join(folder, name));
  } catch {
    return [];
  }
};
const hasState = (name: string, steps: number): boolean =>
  list(name).includes(`training-state-${String(steps * BATCH).padStart(9, '0')}.safetensors`);

async function kill(running: Running): Promise<void> {
  running.child.kill('SIGKILL');
  expect((await running.ended).signal).toBe('SIGKILL');
}

/** Compares everything that defines a run's end; the folders may differ in what was drawn on the way. */
async function expectSameEnd(one: string, other: string): Promise<void> {
  const read = (run: string, name: string): Promise<Buffer> => readFile(join(folder, run, name));
  const state = `training-state-${END}.safetensors`;
  const [a, b] = await Promise.all(
    [one, other].map(async (run) => decodeCheckpoint(await read(run, state), run)),
  );
  const names = Object.keys(a!.tensors);
  // Weights of both networks, what the optimizer keeps of each, and the averages: all of them moved, all alike.
  for (const part of ['generator/', 'discriminator/', 'ema/'])
    expect(names.some((name) => name.startsWith(part))).toBe(true);
  expect(names.some((name) => !/^(generator|discriminator|ema)\//.test(name))).toBe(true);
  expect(b!.tensors).toEqual(a!.tensors);
  for (const name of [
    state,
    `snapshot-${END}.safetensors`,
    `fakes-${END}.png`,
    'stats.jsonl',
    'options.json',
  ]) {
    const same = (await read(one, name)).equals(await read(other, name));
    expect({ name, same }).toEqual({ name, same: true });
  }
  expect((await read(one, 'stats.jsonl')).toString().trim().split('\n')).toHaveLength(STEPS / 20);
}

describe.each([
  ['mlp with adam', MLP, true],
  ['mlp on the engine tfjs', TFJS, true],
  ['dcgan on the engine tensorflow', NATIVE, native.ok || isRequired],
] as const)('%s', (title, options, runs) => {
  const name = title.split(' ').join('-');

  it.skipIf(!runs)('killed after its first snapshot ends as if it had never been', async () => {
    await trainWhole(options, `${name}-whole`);
    const running = start(options, `${name}-killed`);
    await waitUntil(running, () => hasState(`${name}-killed`, FIRST));
    await kill(running);
    expect(hasState(`${name}-killed`, STEPS)).toBe(false);
    const { code, stderr } = await resume(`${name}-killed`).ended;
    expect(code).toBe(0);
    expect(stderr).toMatch(/Going on after (320|640) of 960 images\./);
    await expectSameEnd(`${name}-whole`, `${name}-killed`);
  });
});

it('is refused while another process trains in the folder, and not by the lock of one that is no more', async () => {
  await trainWhole(TFJS, 'taken');
  const lock = join(folder, 'taken', 'run.lock');
  expect(list('taken')).not.toContain('run.lock');
  // The process that runs this test is a living one.
  await writeFile(lock, `${process.pid} ${hostname()}\n`);
  const refused = await resume('taken').ended;
  expectRefusal(
    refused,
    `Expected a run folder that nobody trains in, got \`process ${process.pid} at work\``,
  );
  expect(await readFile(lock, 'utf8')).toBe(`${process.pid} ${hostname()}\n`);
  const dead = spawnSync(process.execPath, ['--version']).pid;
  await writeFile(lock, `${dead} ${hostname()}\n`);
  expect((await resume('taken').ended).code).toBe(0);
  expect(list('taken')).not.toContain('run.lock');
});

describe('dcgan', () => {
  const whole = 'whole';
  beforeAll(async () => {
    await trainWhole(DCGAN, whole);
  });

  it('stopped by Ctrl-C saves, says how to go on, and exits with 130', async () => {
    const running = start(DCGAN, 'stopped');
    await waitUntil(running, () => hasState('stopped', FIRST));
    running.child.kill('SIGINT');
    const { code, stdout, stderr } = await running.ended;
    expect(code).toBe(130);
    expect(stderr).toContain('Stopping after this step; Ctrl-C again to stop at once.');
    const [, saved] =
      /^Stopped after \d+ images; saved (\S+)\nGo on with: ganx train --resume stopped\n$/.exec(stdout)!;
    expect(list('stopped').map((file) => join('stopped', file))).toContain(saved);
    expect((await resume('stopped').ended).code).toBe(0);
    await expectSameEnd(whole, 'stopped');
  });

  it('stopped by Ctrl-C before its first step can be gone on with', async () => {
    const running = start(DCGAN, 'early');
    await waitUntil(running, () => running.stderr().includes('into early'));
    running.child.kill('SIGINT');
    const { code, stdout } = await running.ended;
    expect(code).toBe(130);
    expect(stdout).toContain('Go on with: ganx train --resume early');
    expect((await resume('early').ended).code).toBe(0);
    await expectSameEnd(whole, 'early');
  });

  it('killed before its first checkpoint begins again in the same folder', async () => {
    const running = start(DCGAN, 'first');
    await waitUntil(running, () => list('first').includes('timing.jsonl'));
    await kill(running);
    expect(hasState('first', 0)).toBe(false);
    expect((await resume('first').ended).code).toBe(0);
    await expectSameEnd(whole, 'first');
  });

  it('killed five times at random moments ends as if it had never been', async () => {
    let kills = 0;
    for (const [i, delayMs] of uniform(11, 'kills', 0, 5, 0, 250).entries()) {
      const running = i === 0 ? start(DCGAN, 'unlucky') : resume('unlucky');
      await waitUntil(running, () => running.stderr().includes('Engine:'));
      await sleep(delayMs);
      running.child.kill('SIGKILL');
      if ((await running.ended).signal === 'SIGKILL') kills++;
    }
    expect(kills).toBe(5);
    expect((await resume('unlucky').ended).code).toBe(0);
    await expectSameEnd(whole, 'unlucky');
  });
});

describe('a checkpoint that is being written', () => {
  // Tens of megabytes of state: the write takes long enough to be seen.
  const BIG = '--data digits.npy --model mlp --width 512 --batch 8 --images 48 --snapshot-every 16 --seed 5';
  const PARTIAL = /^training-state-000000032\.safetensors\.\d+$/;

  it('is not used after a kill; the last whole one is', async () => {
    await trainWhole(BIG, 'big');
    const running = start(BIG, 'torn');
    const isWriting = (): boolean =>
      list('torn').some((name) => {
        const size =
          PARTIAL.test(name) && statSync(join(folder, 'torn', name), { throwIfNoEntry: false })?.size;
        return size !== false && size !== undefined && size > 0;
      });
    await waitUntil(running, isWriting);
    await kill(running);
    expect(list('torn').filter((name) => PARTIAL.test(name))).toHaveLength(1);
    const { code, stderr } = await ganx(['train', '--resume', 'torn'], folder);
    expect(code).toBe(0);
    expect(stderr).toContain('Going on after 16 of 48 images.');
    expect(await readdir(join(folder, 'torn'))).not.toContainEqual(expect.stringMatching(PARTIAL));
    const end = 'snapshot-000000048.safetensors';
    const [a, b] = await Promise.all(['big', 'torn'].map((run) => readFile(join(folder, run, end))));
    expect(a!.equals(b!)).toBe(true);
  });
});
