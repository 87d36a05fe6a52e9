/**
 * The choosing among devices. A device that computes wrongly cannot be had, so these are real sessions whose numbers
 * are altered on their way out; the devices that are refused for other reasons are real.
 */
import { delimiter } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  autoCandidates,
  findReasonAgainst,
  listCandidates,
  loadRuntime,
  openHere,
} from '../runtimes/index.js';
import { GanError } from '../src/core/errors.js';
import type { GeneratorMetadata } from '../src/core/metadata.js';
import { plainTensor } from '../src/core/tensor.js';
import type { DeviceCandidate, Session } from '../src/core/types.js';
import { loadGenerator } from '../src/load-generator.js';
import { chooseDevice } from '../src/sample/choose-device.js';
import { createGenerator, type Generator } from '../src/sample/generator.js';
import { makeGolden } from '../src/sample/golden.js';
import { encodeModel } from './support/onnx-model.js';
import { encodeTinyGenerator, METADATA, openSession } from './support/sample-model.js';

let metadata: GeneratorMetadata;
let bytes: Uint8Array;
const opened: Generator[] = [];
/** Sessions that are open, over all tests: whatever is refused must be given back. */
let open = 0;

beforeAll(async () => {
  const session = await openSession(encodeTinyGenerator());
  metadata = {
    ...METADATA,
    golden: await makeGolden(createGenerator(session, METADATA).run, METADATA, 4, 2),
  };
  await session.dispose();
  bytes = encodeTinyGenerator({ metadata });
});

afterAll(async () => {
  for (const generator of opened) await generator.dispose();
  expect(open).toBe(0);
});

/** A session on the CPU, called another device, whose images go through `alter`. */
function device(name: string, alter: (value: number) => number = (value) => value): DeviceCandidate {
  return {
    runtime: 'altered',
    device: name,
    open: async (): Promise<Session> => {
      const session = await openSession(bytes);
      open++;
      return {
        ...session,
        runtime: 'altered',
        device: name,
        run: async (feeds) => {
          const images = (await session.run(feeds)).images!;
          return { images: plainTensor(Float32Array.from(images.data, alter), images.shape) };
        },
        dispose: async () => {
          open--;
          await session.dispose();
        },
      };
    },
  };
}

function refusing(name: string, error: Error): DeviceCandidate {
  return { runtime: 'altered', device: name, open: () => Promise.reject(error) };
}

async function choose(candidates: readonly DeviceCandidate[], source = metadata): Promise<Generator> {
  const generator = await chooseDevice(candidates, source);
  opened.push(generator);
  return generator;
}

describe('the chooser', () => {
  it('takes the first device, and opens no other', async () => {
    const generator = await choose([device('good'), refusing('never', new Error('was opened'))]);
    expect([generator.device, generator.refused]).toEqual(['good', []]);
  });

  it('moves on from wrong numbers, numbers that are none, and failures, and says why', async () => {
    const unavailable = new GanError('RUNTIME_UNAVAILABLE', 'here', 'Expected a driver, got `none`.');
    const unsupported = new GanError('UNSUPPORTED_OP', 'there', 'Expected known nodes, got `Erf`.');
    const unreadable = new GanError('BAD_MODEL_FILE', 'gpu', 'Expected a model, got `no kernel`.');
    const failing: DeviceCandidate = {
      ...device('failing'),
      open: async () => ({
        ...(await device('failing').open()),
        run: () => Promise.reject(new GanError('BAD_ARGUMENT', 'run', 'Expected memory, got `none`.')),
      }),
    };
    const generator = await choose([
      refusing('missing', unavailable),
      refusing('reference', unsupported),
      refusing('picky', unreadable),
      failing,
      device('wrong', (value) => value * 1.02),
      device('mad', () => Number.NaN),
      device('good'),
      device('better'),
    ]);
    expect(generator.device).toBe('good');
    expect(generator.refused).toEqual([
      { runtime: 'altered', device: 'missing', reason: 'Expected a driver, got `none`.' },
      { runtime: 'altered', device: 'reference', reason: 'Expected known nodes, got `Erf`.' },
      { runtime: 'altered', device: 'picky', reason: 'Expected a model, got `no kernel`.' },
      { runtime: 'altered', device: 'failing', reason: 'Expected memory, got `none`.' },
      {
        runtime: 'altered',
        device: 'wrong',
        reason: expect.stringMatching(/golden sample wrongly: off by \d\.\de-[23], allowed are 3\.9e-3/),
      },
      { runtime: 'altered', device: 'mad', reason: expect.stringMatching(/values that are no numbers/) },
    ]);
    const { images } = await generator.sample({ count: 2 });
    expect(images.shape).toEqual([2, 6, 5, 3]);
  });

  it('allows a float16 file two steps of an 8-bit image', async () => {
    const half: GeneratorMetadata = { ...metadata, dtype: 'float16' };
    const off = (by: number) => device(`off by ${by}`, (value) => value + by);
    expect((await choose([off(0.015)], half)).refused).toEqual([]);
    const { refused } = await choose([off(0.017), device('good')], half);
    expect(refused).toMatchObject([{ device: 'off by 0.017', reason: expect.stringMatching(/1\.6e-2/) }]);
  });

  it('asks a file without a golden sample for finite values', async () => {
    const { golden: _, ...described } = metadata;
    const infinite = device('mad', () => Number.POSITIVE_INFINITY);
    const generator = await choose([infinite, device('other', (value) => value / 2)], described);
    expect([generator.device, generator.refused[0]?.reason]).toEqual([
      'other',
      'It drew values that are no numbers.',
    ]);
  });

  it('throws at once what is the fault of the file or of the caller', async () => {
    const never = refusing('never', new Error('was opened'));
    const broken = new GanError('BAD_MODEL_FILE', 'cpu', 'Expected a whole model, got `half`.');
    await expect(chooseDevice([refusing('cpu', broken), never], metadata)).rejects.toBe(broken);
    const mistake = new GanError('BAD_ARGUMENT', 'cpu', 'Expected threads, got `-1`.');
    await expect(chooseDevice([refusing('webgpu', mistake), never], metadata)).rejects.toBe(mistake);
    const other: GeneratorMetadata = { ...metadata, latentSize: 8 };
    await expect(chooseDevice([device('good'), never], other)).rejects.toThrow(/do not belong together/);
    const outside = { ...metadata.golden!, pixels: [{ at: 90, value: 0 }] };
    await expect(chooseDevice([device('good'), never], { ...metadata, golden: outside })).rejects.toThrow(
      /golden sample with values from 0 to 89, got `90`/,
    );
  });

  it('says what every device answered when none is left', async () => {
    const wrong = device('webgpu', (value) => -value);
    const missing = refusing('wasm', new GanError('RUNTIME_UNAVAILABLE', 'web', 'Expected it, got `none`.'));
    await expect(chooseDevice([wrong, missing], metadata)).rejects.toMatchObject({
      code: 'BAD_MODEL_FILE',
      message: expect.stringMatching(
        /webgpu: It drew .* altered\/wasm: Expected it.*download the file again/,
      ),
    });
    await expect(chooseDevice([missing], metadata)).rejects.toMatchObject({ code: 'RUNTIME_UNAVAILABLE' });
    await expect(chooseDevice([], metadata)).rejects.toThrow(/Name at least one candidate/);
    const unreadable = new GanError('BAD_MODEL_FILE', 'gpu', 'Expected a model, got `no kernel`.');
    await expect(chooseDevice([refusing('webgpu', unreadable), missing], metadata)).rejects.toBe(unreadable);
  });
});

describe('auto in Node', () => {
  it('passes CUDA over where there is none, at no cost, and says so', async (context) => {
    const reason = await findReasonAgainst({ runtime: 'onnxruntime-node', device: 'cuda' });
    if (reason === undefined) return context.skip('This machine may have CUDA.');
    const generator = await loadGenerator(bytes);
    opened.push(generator);
    expect(generator.refused[0]).toEqual({ runtime: 'onnxruntime-node', device: 'cuda', reason });
    expect(reason).toMatch(/No NVIDIA driver/);
    const place = { runtime: generator.runtime, device: generator.device };
    const before = autoCandidates.slice(
      0,
      autoCandidates.findIndex((one) => one.runtime === place.runtime && one.device === place.device),
    );
    expect(generator.refused.map(({ runtime, device: name }) => ({ runtime, device: name }))).toEqual(before);
  });

  it('hears from the library itself why CUDA is refused when it is tried', async (context) => {
    const runtime = await loadRuntime('onnxruntime-node');
    const probe = await runtime.probe('cuda');
    if (probe.ok) return context.skip('This machine has CUDA.');
    const cuda: DeviceCandidate = {
      runtime: runtime.name,
      device: 'cuda',
      open: () => runtime.open(bytes, { device: 'cuda' }),
    };
    const rest = (await listCandidates(openHere(bytes))).filter(({ device: name }) => name === 'cpu');
    const generator = await choose([cuda, ...rest]);
    expect(generator.device).toBe('cpu');
    expect(generator.refused).toEqual([
      { runtime: 'onnxruntime-node', device: 'cuda', reason: expect.stringContaining(probe.reason) },
    ]);
  });

  it.each([
    ['VK_DRIVER_FILES', '/etc/vulkan/lvp_icd.x86_64.json', 'lvp_icd.x86_64.json'],
    [
      'VK_ICD_FILENAMES',
      ['/a/vk_swiftshader_icd.json', '/b/lvp_icd.json'].join(delimiter),
      'vk_swiftshader_icd.json',
    ],
  ])('passes over a GPU in software that %s names', async (variable, value, named) => {
    vi.stubEnv('VK_DRIVER_FILES', undefined);
    vi.stubEnv('VK_ICD_FILENAMES', undefined);
    vi.stubEnv(variable, value);
    try {
      const reason = await findReasonAgainst({ runtime: 'onnxruntime-node', device: 'webgpu' });
      expect(reason).toBe(
        `${named} is a driver in software, slower than the CPU; name the device to use it.`,
      );
    } finally {
      vi.unstubAllEnvs();
    }
  });

  it('does not take a list with a real driver for software', async () => {
    vi.stubEnv('VK_DRIVER_FILES', ['/b/vk_swiftshader_icd.json', '/a/radeon_icd.json'].join(delimiter));
    try {
      const reason = await findReasonAgainst({ runtime: 'onnxruntime-node', device: 'webgpu' });
      expect(reason ?? '').not.toMatch(/software/);
    } finally {
      vi.unstubAllEnvs();
    }
  });

  it('tries what only a try can tell', async () => {
    expect(await findReasonAgainst({ runtime: 'onnxruntime-node', device: 'cpu' })).toBeUndefined();
    expect(await findReasonAgainst({ runtime: 'onnxruntime-web', device: 'wasm' })).toBeUndefined();
  });

  it('keeps to the runtime that is named', async () => {
    const names = async (runtime: string) =>
      (await listCandidates(openHere(bytes), { runtime })).map(({ device: name }) => name);
    expect(await names('onnxruntime-node')).toEqual(['cuda', 'webgpu', 'cpu']);
    expect(await names('onnxruntime-web')).toEqual(['wasm']);
    expect(await names('tensorflow')).toContain('cpu');
    await expect(listCandidates(openHere(bytes), { runtime: 'toString' })).rejects.toThrow(
      /Expected a runtime/,
    );
    const generator = await loadGenerator(bytes, { runtime: 'onnxruntime-web' });
    opened.push(generator);
    expect([generator.runtime, generator.device, generator.refused]).toEqual(['onnxruntime-web', 'wasm', []]);
  });

  it('refuses a file whose weights are not those of its golden sample, unless a device is named', async () => {
    const damaged = encodeTinyGenerator({ metadata, damage: 0.05 });
    await expect(loadGenerator(damaged)).rejects.toMatchObject({ code: 'BAD_MODEL_FILE' });
    const generator = await loadGenerator(damaged, { device: 'cpu' });
    opened.push(generator);
    expect(generator.device).toBe('cpu');
  });

  it('moves from a device that lacks an operator to one that has it', async () => {
    // ONNX Runtime knows Erf, the reference does not.
    const erf = encodeModel({
      inputs: { latents: ['float32', ['batch', 2]] },
      outputs: { images: ['float32', ['batch', 2]] },
      nodes: [['Erf', ['latents'], ['images']]],
    });
    const describeErf: GeneratorMetadata = {
      model: 'erf',
      kind: 'points',
      latentSize: 2,
      latentDistribution: 'normal',
      imageShape: [1, 1, 2],
      imageRange: [-1, 1],
      layout: 'nhwc',
      imagesSeen: 0,
      seed: 0,
      dataDigest: '',
    };
    const reference = (await listCandidates(openHere(erf), { runtime: 'tensorflow' }))[0]!;
    const rest = (await listCandidates(openHere(erf))).filter(({ device: name }) => name === 'cpu');
    const generator = await choose([reference, ...rest], describeErf);
    expect(generator.runtime).toBe('onnxruntime-node');
    expect(generator.refused).toMatchObject([
      { runtime: 'tensorflow', reason: expect.stringMatching(/Erf/) },
    ]);
    await expect(chooseDevice([reference], describeErf)).rejects.toThrow(/tensorflow\/cpu: .*Erf/);
  });
});
