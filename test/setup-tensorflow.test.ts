/**
 * Getting the native TensorFlow: the ways and their errors without its hundreds of megabytes, and, where it is set up,
 * that it multiplies matrices as loops do.
 */
import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import util from 'node:util';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it, onTestFinished } from 'vitest';
import { GanError } from '../src/core/errors.js';
import { explain } from '../src/tensorflow/explain.js';
import { putInPlace, withTemporary } from '../src/tensorflow/folders.js';
import { loadTensorflow, loadTensorflowFrom, mendUtilities } from '../src/tensorflow/load.js';
import { findCache, findHome } from '../src/tensorflow/places.js';
import { findReason, runTool } from '../src/tensorflow/run-program.js';
import type { Task } from '../src/tensorflow/task.js';
import { preparedIn, WAYS } from '../src/tensorflow/ways.js';
import { makeFolder } from './data-helpers.js';
import { isLinux, listFiles, makeTask } from './support/setup-task.js';

const MAIN = fileURLToPath(new URL('../dist/src/cli/main.js', import.meta.url));

describe('borrowed programs', () => {
  const absent = ['ganx-no-such-program'] as const;
  const node = (code: string) => [process.execPath, '-e', code] as const;

  it('are the first that is there', async () => {
    const tool = { name: 'a tool', programs: [absent, node('process.exit(0)')], remedy: 'Get one.' };
    await expect(runTool(tool, [], {})).resolves.toBeUndefined();
    await expect(runTool({ ...tool, programs: [absent] }, [], {})).rejects.toThrow(
      '[setup] Expected a tool, got `none of ganx-no-such-program`. Get one.',
    );
  });

  it('fail with their own words, on one line', async () => {
    const code = "console.error('working\\nfatal error: no c_api.h\\nbye'); process.exitCode = 1";
    const tool = { name: 'a tool', programs: [node(code)], remedy: '' };
    await expect(runTool(tool, [], {})).rejects.toThrow(
      'Expected a tool to succeed, got `fatal error: no c_api.h`.',
    );
    expect(findReason('  one\n two \n\n')).toBe('two');
    expect(findReason("throw er; // Unhandled 'error' event\n\nError: getaddrinfo ENOTFOUND host")).toBe(
      'Error: getaddrinfo ENOTFOUND host',
    );
  });

  it('end when they are told to', async () => {
    const tool = { name: 'a tool', programs: [node('setInterval(() => {}, 1000)')], remedy: '' };
    const controller = new AbortController();
    const running = runTool(tool, [], { signal: controller.signal });
    controller.abort(new Error('stopped'));
    await expect(running).rejects.toThrow('stopped');
  });
});

describe('folders', () => {
  it('are there whole or not at all', async () => {
    const place = join(await makeFolder(), 'deep', 'place');
    const failing = withTemporary(place, async (fresh) => {
      await writeFile(join(fresh, 'half'), '');
      throw new Error('full');
    });
    await expect(failing).rejects.toThrow('full');
    expect(await readdir(join(place, '..'))).toEqual([]);
    for (const text of ['old', 'new']) {
      await withTemporary(place, async (fresh) => {
        await writeFile(join(fresh, 'text'), text);
        await putInPlace(fresh, place);
      });
      expect(await readFile(join(place, 'text'), 'utf8')).toBe(text);
    }
    expect(await readdir(join(place, '..'))).toEqual(['place']);
  });

  it('that a killed process left are swept away once they are old', async () => {
    const around = await makeFolder();
    const place = join(around, 'place');
    for (const name of ['place-unfinished-old', 'place-unfinished-young']) await mkdir(join(around, name));
    await utimes(join(around, 'place-unfinished-old'), 0, 0);
    await withTemporary(place, async () => {});
    expect(await readdir(around)).toEqual(['place-unfinished-young']);
  });

  it('of the cache follow the platform', () => {
    const find = (platform: NodeJS.Platform, env = {}) => findCache({ platform, env, userFolder: 'me' });
    expect(find('linux', { GANX_CACHE: 'mine', XDG_CACHE_HOME: 'x' })).toBe(resolve('mine'));
    expect(find('linux', { XDG_CACHE_HOME: 'x' })).toBe(join('x', 'ganx'));
    expect(find('linux')).toBe(join('me', '.cache', 'ganx'));
    expect(find('darwin')).toBe(join('me', 'Library', 'Caches', 'ganx'));
    expect(find('win32', { LOCALAPPDATA: 'local' })).toBe(join('local', 'ganx', 'Cache'));
  });
});

describe('the ways', () => {
  const open = async (given: Partial<Task> = {}): Promise<string[]> => {
    const task = await makeTask(given);
    return WAYS.filter((way) => way.isOpen?.(task) !== false).map(({ name }) => name);
  };

  it('begin with what is named and what is in the cache, where there is any', async () => {
    const before = process.env.GANX_LIBTENSORFLOW;
    onTestFinished(() => {
      if (before === undefined) delete process.env.GANX_LIBTENSORFLOW;
      else process.env.GANX_LIBTENSORFLOW = before;
    });
    delete process.env.GANX_LIBTENSORFLOW;
    expect(await open()).toEqual(['installer', 'wheel']);
    const task = await makeTask();
    await mkdir(preparedIn(task), { recursive: true });
    expect(await open({ cache: task.cache })).toEqual(['cache', 'installer', 'wheel']);
    expect(await open({ cache: task.cache, package: '@tensorflow/tfjs-node-gpu' })).not.toContain('cache');
    expect(await open({ cache: task.cache, again: true })).not.toContain('cache');
    process.env.GANX_LIBTENSORFLOW = 'somewhere';
    expect(await open({ cache: task.cache })).toEqual(['named', 'cache', 'installer', 'wheel']);
  });

  it('are told apart by what to do about each', () => {
    const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
    expect(explain(full)).toMatch(
      /^ENOSPC: .*\. Free some space, or name a folder on another disk in GANX_CACHE\.$/,
    );
    const message = 'Expected the native TensorFlow, got `none`. Run `ganx setup tensorflow`.';
    expect(explain(new GanError('RUNTIME_UNAVAILABLE', 'tensorflow', message))).toBe(
      'Expected the native TensorFlow, got `none`.',
    );
  });
});

/** `ganx setup …` where no program can be found. */
async function setUpAlone(words: readonly string[], env: NodeJS.ProcessEnv) {
  return await new Promise<{ code: unknown; stdout: string; stderr: string }>((resolve) => {
    const { CXX: _, ...inherited } = process.env;
    const options = { env: { ...inherited, NO_COLOR: '1', ...env } };
    execFile(process.execPath, [MAIN, 'setup', ...words], options, (error, stdout, stderr) =>
      resolve({ code: error?.code ?? 0, stdout, stderr }),
    );
  });
}

describe('ganx setup', () => {
  it.each([
    [[], /\[ganx\] Expected a whole command line/],
    [['pytorch'], /\[setup\] Expected one of tensorflow, got `pytorch`/],
    [['tensorflow', '--cpu'], /Expected a flag of --gpu, --again, got `--cpu`/],
  ])('refuses %j', async (words, message) => {
    const { code, stdout, stderr } = await setUpAlone(words, {});
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(message);
  });

  it.each<[string, NodeJS.ProcessEnv, RegExp[]]>([
    [
      'npm and a compiler',
      {},
      [
        /^ {2}not by named: Expected a C\+\+ compiler, got `none of g\+\+, .*`\. Install one \(`apt-get install g\+\+`\)/m,
        /^ {2}not by installer: Expected npm, got `none of npm`\. Install Node\.js with npm\.$/m,
        /^ {2}not by wheel: Expected a C\+\+ compiler/m,
      ],
    ],
    [
      'pip and what was named',
      // Of a compiler, no more than `--version` is asked before there is something to compile against.
      { CXX: process.execPath },
      [
        /^ {2}not by named: Expected .* got `.*nothing\.whl`\. It is not there\.$/m,
        /^ {2}not by wheel: Expected pip, got `none of pip3, .*apt-get install python3-pip/m,
      ],
    ],
  ])('without %s says what each way lacks, and changes nothing', async (_, env, messages) => {
    const cache = await makeFolder();
    const before = await readdir(join(findHome(), '..'));
    const { code, stdout, stderr } = await setUpAlone(['tensorflow', '--again'], {
      ...env,
      PATH: cache,
      GANX_CACHE: join(cache, 'ganx'),
      GANX_LIBTENSORFLOW: join(cache, 'nothing.whl'),
    });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    if (isLinux) for (const message of messages) expect(stderr).toMatch(message);
    expect(stderr).toMatch(
      /^error \[setup\] Expected a way to the native TensorFlow, got `none that works`\. named: .* installer: .* wheel: /m,
    );
    expect(await listFiles(cache)).toEqual([]);
    expect(await readdir(join(findHome(), '..'))).toEqual(before);
  });
});

describe("Node's util", () => {
  it('gets back what newer ones took away, and keeps what it has', () => {
    const bare: { isNullOrUndefined?: (value: unknown) => boolean } = {};
    mendUtilities(bare);
    expect([null, undefined, 0, '', false].map((value) => bare.isNullOrUndefined?.(value))).toEqual([
      true,
      true,
      false,
      false,
      false,
    ]);
    const own = () => true;
    const full = { isNullOrUndefined: own };
    mendUtilities(full);
    expect(full.isNullOrUndefined).toBe(own);
    mendUtilities(util);
    expect('isNullOrUndefined' in util).toBe(true);
  });
});

const native = await loadTensorflow().catch((error: unknown) => error as GanError);
const isMissing = native instanceof Error;
const required = (process.env.GANX_REQUIRE ?? '').split(',').includes('tensorflow');

describe('the native TensorFlow', () => {
  it('where it is missing is missed by name, with the command that gets it', async () => {
    const home = join(await makeFolder(), 'node_modules', '.ganx');
    const refusal = loadTensorflowFrom(home);
    await expect(refusal).rejects.toMatchObject({ code: 'RUNTIME_UNAVAILABLE', where: 'tensorflow' });
    await expect(refusal).rejects.toThrow(
      /tfjs-node-gpu is not installed; .*tfjs-node is not installed`\. Run `ganx setup tensorflow`, or `npm run setup:tensorflow`/,
    );
    const folder = join(home, 'node_modules', '@tensorflow', 'tfjs-node');
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'package.json'), '{"version":"4.22.0"}');
    await expect(loadTensorflowFrom(home)).rejects.toThrow(/tfjs-node is installed without its native addon/);
    await mkdir(join(folder, 'lib', 'napi-v8'), { recursive: true });
    await writeFile(join(folder, 'lib', 'napi-v8', 'tfjs_binding.node'), '');
    await writeFile(join(folder, 'package.json'), '{"version":"3.0.0"}');
    await expect(loadTensorflowFrom(home)).rejects.toThrow(/tfjs-node is 3\.0\.0, and ganx needs 4\.22\.0/);
  });

  it.skipIf(isMissing && !required)(
    isMissing ? `multiplies matrices [SKIP: ${native.message}]` : 'multiplies matrices',
    async () => {
      if (isMissing) throw native;
      expect(native.tensorflowVersion).toMatch(/^2\.\d+\.\d+/);
      const random = (length: number) => Float32Array.from({ length }, (_, i) => Math.sin(i * i));
      const [rows, inner, columns] = [17, 65, 33];
      const [a, b] = [random(rows * inner), random(inner * columns)];
      const before = tf.getBackend();
      await tf.setBackend('tensorflow');
      const product = tf.tidy(() =>
        tf.matMul(tf.tensor2d(a, [rows, inner]), tf.tensor2d(b, [inner, columns])).dataSync(),
      );
      await tf.setBackend(before);
      const worst = Math.max(
        ...Array.from(product, (value, at) => {
          let sum = 0;
          for (let k = 0; k < inner; k++)
            sum += a[Math.floor(at / columns) * inner + k]! * b[k * columns + (at % columns)]!;
          return Math.abs(value - sum);
        }),
      );
      // 65 products below 1 in float32, each rounded: 65 * 2^-24 is 3.9e-6; a GPU's TF32 would be off by 1e-3.
      expect(worst).toBeLessThan(native.usesGpu ? 1e-2 : 1e-5);
    },
  );

  it.skipIf(isMissing && !required)('is proven by the command line at once, where it is here', async () => {
    const { code, stdout, stderr } = await setUpAlone(['tensorflow'], {});
    expect({ code, stderr }).toEqual({ code: 0, stderr: 'Setting up the native TensorFlow:\n' });
    expect(stdout).toMatch(
      /^TensorFlow 2\.\d+\.\d+\S* works through @tensorflow\/tfjs-node.*\nIt was here already\.\n$/,
    );
  });
});
