/**
 * A drawing in shards: processes of their own draw them, some are killed, damaged or mixed up, and what `ganx merge`
 * makes of them must be the bytes of a single run, or a refusal that names the shard.
 */
import { createHash } from 'node:crypto';
import { readdirSync, statSync } from 'node:fs';
import { open, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { cutShard, readShard } from '../src/cli/shard.js';
import { decodeNpy } from '../src/core/npy.js';
import { expectRefusal, ganx, ganxOk, makeWorkplace, startGanx, waitUntil } from './support/cli.js';
import { encodeLabelledGenerator } from './support/labelled-generator.js';

const folder = makeWorkplace();
const run = (line: string): Promise<string> => ganxOk(line.split(' '), folder);
const refuse = async (line: string, ...parts: string[]): Promise<void> =>
  expectRefusal(await ganx(line.split(' '), folder), ...parts);
const hashOf = async (name: string): Promise<string> =>
  createHash('sha256')
    .update(await readFile(join(folder, name)))
    .digest('hex');

beforeAll(async () => {
  await run('train --data digits --model mlp --width 32 --batch 8 --images 80 --snapshot-every 80 --out run');
  await run('export run -o mlp.onnx');
  await writeFile(join(folder, 'labelled.onnx'), await encodeLabelledGenerator(1));
});

describe('cutting', () => {
  it.for([
    { from: 0, count: 80_000, batch: 100, of: 8 },
    { from: 17, count: 10_001, batch: 64, of: 7 },
    { from: 5, count: 3, batch: 1, of: 3 },
    { from: 0, count: 10_000_000, batch: 64, of: 64 },
  ])('$of shards of $count samples are the whole range, cut between batches of $batch', (drawing) => {
    const { from, count, batch, of } = drawing;
    let next = from;
    const sizes: number[] = [];
    for (let number = 1; number <= of; number++) {
      const shard = cutShard({ from, count }, batch, { number, of });
      expect(shard.from).toBe(next);
      expect((shard.from - from) % batch).toBe(0);
      sizes.push(shard.count);
      next += shard.count;
    }
    expect(next).toBe(from + count);
    expect(Math.min(...sizes)).toBeGreaterThan(0);
    expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThan(2 * batch);
  });

  it('counts from 1 and refuses what is no shard', () => {
    expect(readShard('3/64', '--shard')).toEqual({ number: 3, of: 64 });
    for (const text of ['0/4', '5/4', '1', '1/0', '-1/4', '1.5/4', '1/4/2', ' 1/4', '1/1000000'])
      expect(() => readShard(text, '--shard'), text).toThrow(/Expected a shard k\/n/);
  });
});

describe('8 shards of 10,000 in 8 processes', () => {
  const drawing = 'sample mlp.onnx --count 80000 --seed 5 --batch 100 --npy';
  const shard = (number: number) => `${drawing} images.npy --shard ${number}/8`.split(' ');

  it('merge to the bytes of a single run, though one is killed and run again', async () => {
    const processes = Array.from({ length: 8 }, (_, i) => startGanx(shard(i + 1), folder));
    const victim = processes[4]!;
    const started = (): boolean =>
      readdirSync(folder).some(
        (name) => name.startsWith('.images.shard-5-of-8.npy.') && statSync(join(folder, name)).size > 1e5,
      );
    await waitUntil(victim, started);
    victim.child.kill('SIGKILL');
    const outcomes = await Promise.all(processes.map(({ ended }) => ended));
    expect(outcomes.map(({ code, signal }) => signal ?? code)).toEqual([0, 0, 0, 0, 'SIGKILL', 0, 0, 0]);

    const names = readdirSync(folder).filter((name) => name.includes('shard-5-of-8'));
    expect(names.filter((name) => !name.startsWith('.'))).toEqual([]);
    await refuse('merge images.npy', '[merge] Expected all 8 shards', 'all but 5/8');
    expect(readdirSync(folder)).not.toContain('images.npy');

    // What the killed one left behind goes away when it has lain there for an hour.
    expect(names).toHaveLength(1);
    await utimes(join(folder, names[0]!), 0, 0);
    expect(await ganxOk(shard(5), folder)).toMatch(
      /^images\.shard-5-of-8\.npy: float32 \[10000, 28, 28, 1\], samples 40000 to 49999, SHA-256 \w{64}\n$/,
    );
    expect(readdirSync(folder).filter((name) => name.startsWith('.'))).toEqual([]);

    await run(`${drawing} single.npy`);
    const digest = await hashOf('single.npy');
    expect(await run('merge images.npy')).toBe(
      `images.npy: float32 [80000, 28, 28, 1], 8 shards, SHA-256 ${digest}\n`,
    );
    expect(await hashOf('images.npy')).toBe(digest);
  });

  it('leaves a finished shard as it is, and draws a damaged one again', async () => {
    const path = join(folder, 'images.shard-2-of-8.npy');
    const before = statSync(path);
    expect(await ganxOk(shard(2), folder)).toBe('Shard 2 of 8 is there, and whole.\n');
    expect(statSync(path).mtimeMs).toBe(before.mtimeMs);

    const file = await open(path, 'r+');
    await file.write(Uint8Array.of(1, 2, 3), 0, 3, 20_000_000);
    await file.close();
    await rm(join(folder, 'images.npy'));
    await refuse('merge images.npy', 'images.shard-2-of-8.npy with SHA-256 ', 'Draw that shard again.');
    expect(readdirSync(folder)).not.toContain('images.npy');
    await ganxOk(shard(2), folder);
    expect(await run('merge images.npy')).toContain(await hashOf('single.npy'));
  });

  it('does not join what does not belong together', async () => {
    await refuse(
      `${drawing} images.npy --shard 2/8 --truncation 0.5`,
      'images.shard-2-of-8.npy to be a shard of this drawing',
      'truncation 1, not 0.5',
    );
    await run('sample mlp.onnx -n 400 --batch 100 --seed 1 --npy one.npy --shard 1/2');
    const first = JSON.parse(await readFile(join(folder, 'one.shard-1-of-2.json'), 'utf8'));
    const second = { ...first, shard: { number: 2, of: 2 } };
    const wrongs = [
      [{ ...second, drawing: { ...first.drawing, seed: 2 } }, 'to be of one drawing', 'seed 2, not 1'],
      [{ ...second, engine: { ...first.engine, version: '1.29.0' } }, 'onnxruntime-node 1.29.0 cpu'],
      [second, 'one.shard-2-of-2.npy with its own samples', '200 from 0'],
      ['{', 'one.shard-2-of-2.json to be the manifest of a shard'],
      [{ ...second, shard: { number: 2, of: 3 } }, 'every shard to be one of 2', 'one.shard-2-of-3.npy'],
    ] as const;
    for (const [wrong, ...parts] of wrongs) {
      const { of } = wrong === '{' ? second.shard : wrong.shard;
      const manifest = join(folder, `one.shard-2-of-${of}.json`);
      await writeFile(manifest, wrong === '{' ? wrong : JSON.stringify(wrong));
      await refuse('merge one.npy', ...parts);
      await rm(manifest);
    }
    await refuse('merge none.npy', 'Expected shards of none.npy');
  });
});

describe('every kind of array', () => {
  it('is the same in shards: 8 bits, latents, classes, a range', async () => {
    const labels = Array.from({ length: 50 }, (_, i) => ['cat', '2', 'dog'][(i * i) % 3]).join(',');
    const drawing = `sample labelled.onnx -n 50 --batch 4 --from 7 --seed 3 --dtype uint8 --label ${labels}`;
    const targets = (name: string) => `--npy ${name}.npy --save-latents ${name}-z.npy`;
    await run(`${drawing} ${targets('all')}`);
    for (const number of [3, 1, 2]) await run(`${drawing} ${targets('parts')} --shard ${number}/3`);
    for (const end of ['', '-z']) {
      await run(`merge parts${end}.npy`);
      expect(await hashOf(`parts${end}.npy`)).toBe(await hashOf(`all${end}.npy`));
    }
    const { dtype, shape, data } = decodeNpy(await readFile(join(folder, 'all.npy')));
    expect({ dtype, shape }).toEqual({ dtype: 'uint8', shape: [50, 10, 8, 3] });
    expect(new Set(data).size).toBeGreaterThan(100);
  });

  it('needs arrays, and whole batches', async () => {
    const base = 'sample mlp.onnx --shard 1/2';
    await refuse(base, '[--shard] Expected --npy or --save-latents with it', 'got `neither`');
    await refuse(`${base} --npy a.npy -o a.png`, 'no picture, got `a.png`');
    await refuse(`${base} --npy a.npy -n 64`, 'Expected at most 1 shards of 64 samples, 64 a batch');
    await refuse('sample mlp.onnx --npy a.npy --shard 3/2', '[--shard] Expected a shard k/n');
  });
});
