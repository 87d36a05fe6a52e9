/**
 * Which engine a training takes: by the order of the benchmark's figures among those that work, by what was asked for,
 * and through the built command line on this very machine.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadRuntime } from '../runtimes/index.js';
import type { Probe } from '../src/core/types.js';
import { chooseEngine } from '../src/train/engines/choose.js';
import { hasNvidiaDriver } from '../src/train/engines/nvidia.js';
import { ENGINES, engineNames, listEngineDevices } from '../src/train/engines/table.js';
import { openTensorflowEngine, probeTensorflowEngine } from '../src/train/engines/tensorflow-engine.js';
import { expectRefusal, ganx, ganxOk, makeWorkplace } from './support/cli.js';
import { prepareTraining, RECIPES } from './support/small-training.js';

type Wish = Parameters<typeof chooseEngine>[0];

/** Chooses on a machine where only these work, by `engine/device`. */
async function chooseWhere(working: readonly string[], wish: Wish = {}) {
  const choice = await chooseEngine(wish, async ({ engine, device }): Promise<Probe> => {
    const name = `${engine}/${device}`;
    return working.includes(name) ? { ok: true } : { ok: false, reason: `No ${name}.` };
  });
  return { ...choice, name: `${choice.engine}/${choice.device}` };
}

const ALL = engineNames.flatMap((engine) => ENGINES[engine].devices.map((device) => `${engine}/${device}`));
const ON_CPU = ['onnxruntime/cpu', 'tensorflow/cpu', 'tfjs/cpu', 'tfjs/wasm'];

describe('the table of engines', () => {
  it('has the devices of the runtimes behind them', async () => {
    expect(listEngineDevices('onnxruntime')).toEqual((await loadRuntime('onnxruntime-node')).devices);
    const { devices } = await loadRuntime('tensorflow');
    expect(devices).toEqual([...listEngineDevices('tfjs'), 'tensorflow']);
    expect(listEngineDevices()).toEqual(['cpu', 'webgpu', 'cuda', 'wasm']);
  });
});

describe('auto', () => {
  it.each([
    ['everything', ALL, {}, 'tensorflow/cuda'],
    ['all but CUDA in TensorFlow', ALL.filter((name) => name !== 'tensorflow/cuda'), {}, 'onnxruntime/cpu'],
    ['no GPU', ON_CPU, {}, 'onnxruntime/cpu'],
    ['no ONNX Runtime', ON_CPU.slice(1), {}, 'tensorflow/cpu'],
    ['JavaScript alone', ['tfjs/cpu', 'tfjs/wasm'], {}, 'tfjs/cpu'],
    ['everything, asked for cpu', ALL, { device: 'cpu' }, 'onnxruntime/cpu'],
    ['everything, asked for cuda', ALL, { device: 'cuda' }, 'tensorflow/cuda'],
    [
      'CUDA in ONNX Runtime alone, asked for cuda',
      ['onnxruntime/cuda'],
      { device: 'cuda' },
      'onnxruntime/cuda',
    ],
    ['everything, asked for webgpu', ALL, { device: 'webgpu' }, 'onnxruntime/webgpu'],
    ['everything, asked for wasm', ALL, { device: 'wasm' }, 'tfjs/wasm'],
    ['everything, asked for TensorFlow', ALL, { engine: 'tensorflow' }, 'tensorflow/cuda'],
    ['no GPU, asked for TensorFlow', ON_CPU, { engine: 'tensorflow' }, 'tensorflow/cpu'],
    ['everything, asked for ONNX Runtime', ALL, { engine: 'onnxruntime' }, 'onnxruntime/cpu'],
    ['everything, asked for both', ALL, { engine: 'onnxruntime', device: 'cuda' }, 'onnxruntime/cuda'],
  ] as const)('with %s takes the fastest', async (_, working, wish, wanted) => {
    const { name, why, refused } = await chooseWhere(working, wish);
    expect(name).toBe(wanted);
    // Nobody needs to be told why they got the engine that they named.
    expect(why === undefined).toBe('engine' in wish);
    for (const one of refused) expect(working).not.toContain(`${one.engine}/${one.device}`);
  });

  it('says what it would have taken before, and why not', async () => {
    const { refused } = await chooseWhere(ON_CPU);
    expect(refused).toEqual([{ engine: 'tensorflow', device: 'cuda', reason: 'No tensorflow/cuda.' }]);
  });

  it('refuses when nothing works, with every reason, and devices that no engine has', async () => {
    await expect(chooseWhere([])).rejects.toThrow(
      /`none`.*No tensorflow\/cuda.*No onnxruntime\/cpu.*ganx doctor/,
    );
    await expect(chooseWhere(ALL, { device: 'tpu' })).rejects.toThrow(/cpu, webgpu, cuda, wasm, got `tpu`/);
    await expect(chooseWhere(ALL, { engine: 'tfjs', device: 'cuda' })).rejects.toThrow(/tfjs: cpu, wasm/);
  });
});

describe('TensorFlow', () => {
  it.skipIf(hasNvidiaDriver())('refuses CUDA without an NVIDIA driver, and never falls back', async () => {
    expect(await probeTensorflowEngine('cuda')).toEqual({ ok: false, reason: 'No NVIDIA driver was found.' });
    const { gan, step, begin } = prepareTraining(RECIPES['mlp on points']);
    const opening = openTensorflowEngine(gan, step, begin, 'cuda');
    await expect(opening).rejects.toMatchObject({ code: 'RUNTIME_UNAVAILABLE' });
    await expect(opening).rejects.toThrow(/TensorFlow on cuda, got `No NVIDIA driver was found`\. See/);
    await expect(openTensorflowEngine(gan, step, begin, 'wasm')).rejects.toThrow(/cpu, cuda, got `wasm`/);
  });
});

describe('ganx train', () => {
  const folder = makeWorkplace();
  const tiny = '--data ring --model mlp --width 8 --batch 8 --images 80 --snapshot-every 80';
  const train = (rest: string) => ganx(['train', ...`${tiny} ${rest}`.split(' ')], folder);
  const optionsOf = async (run: string) =>
    JSON.parse(await readFile(join(folder, run, 'options.json'), 'utf8'));

  it('takes what doctor says, tells so in one line, and remembers it', async () => {
    const { auto } = JSON.parse(await ganxOk(['doctor', '--json'], folder));
    const { engine, device } = auto.train;
    const { code, stderr } = await train('--out run');
    expect(code).toBe(0);
    expect(stderr).toMatch(new RegExp(`^Chosen: ${engine} on ${device}, since [^\\n]+\\.$`, 'm'));
    expect(await optionsOf('run')).toMatchObject({ engine, device });
  });

  it('takes the engine that has the device', async () => {
    const { stderr } = await train('--out wasm --device wasm');
    expect(stderr).toMatch(/^Chosen: tfjs on wasm, since /m);
    expect(await optionsOf('wasm')).toMatchObject({ engine: 'tfjs', device: 'wasm' });
  });

  it('says nothing of a choice that was none, and goes on with what it began with', async () => {
    expect((await train('--out named --engine tfjs --device cpu')).stderr).not.toMatch(/^Chosen/m);
    const again = await ganx(['train', '--resume', 'named', '--images', '160'], folder);
    expect(again.stderr).toMatch(/^Engine: TensorFlow\.js \S+ on cpu$/m);
    const other = await ganx('train --resume named --images 240 --engine onnxruntime'.split(' '), folder);
    expect(other.stderr).toMatch(/^Engine: onnxruntime-node \S+ on cpu$/m);
    // For this time only: the run itself stays what it was.
    expect(await optionsOf('named')).toMatchObject({ engine: 'tfjs', device: 'cpu', images: 240 });
  });

  it.skipIf(hasNvidiaDriver())('leaves nothing behind when the device is missing', async () => {
    expectRefusal(
      await train('--out none --engine tensorflow --device cuda'),
      'No NVIDIA driver',
      'ganx doctor',
    );
    await expect(optionsOf('none')).rejects.toThrow(/ENOENT/);
  });
});
