/**
 * Everything that ganx can train and sample with: each library on each device, tried once, under the names that
 * `train` and `sample` have for it; and the browser that `parity` compares pages in. It prints nothing.
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import {
  autoCandidates,
  type Candidate,
  findReasonAgainst,
  listDevices,
  loadRuntime,
} from '../../runtimes/index.js';
import { findAddressText } from '../../runtimes/open-inference/address.js';
import { chromiumPath } from '../browser/find-chromium.js';
import { messageOf } from '../core/errors.js';
import type { Probe } from '../core/types.js';
import type { NativeTensorflow } from '../tensorflow/load.js';
import { findHome } from '../tensorflow/places.js';
import { proveTensorflow } from '../tensorflow/prove.js';
import { chooseEngine, ENGINES, type EngineChoice, engineNames, hasNvidiaDriver } from '../train/index.js';
import { type CudaProvider, findCudaProvider } from './cuda-provider.js';
import { LIBRARY_OF_ENGINE } from './engines.js';
import type { Machine } from './machine.js';
import { type Fault, findRemedy, type Remedy } from './remedies.js';

/** Far longer than a browser takes to say its version. */
const BROWSER_MS = 20_000;

interface Names {
  /** `onnxruntime/webgpu` stands for `--engine onnxruntime --device webgpu`. */
  readonly engine?: string;
  /** `onnxruntime-node/webgpu` stands for `--runtime onnxruntime-node --device webgpu`. */
  readonly runtime?: string;
  readonly browser?: 'chromium';
}

/** A library on a device, by what `train` and `sample` call it, or the browser, and whether it works. */
export type Check = Names &
  (
    | { readonly ok: true; readonly version: string }
    | { readonly ok: false; readonly reason: string; readonly remedy?: Remedy }
  );

/** What `auto` takes here; nothing where nothing works. */
export interface AutoChoices {
  readonly train?: EngineChoice;
  readonly sample?: Candidate;
}

type Part = Names & { readonly library: Exclude<Fault['library'], 'chromium'>; readonly device: string };

/** Every library on every device, from the tables of engines and runtimes. */
async function listParts(): Promise<Part[]> {
  const parts = new Map<string, Part>();
  const add = (library: Part['library'], device: string, names: Names): void => {
    const key = `${library}/${device}`;
    parts.set(key, { library, device, ...parts.get(key), ...names });
  };
  for (const engine of engineNames)
    for (const device of ENGINES[engine].devices)
      add(LIBRARY_OF_ENGINE[engine], device, { engine: `${engine}/${device}` });
  for (const { runtime, device } of await listDevices()) {
    // Nobody misses a server who has named none.
    if (runtime === 'open-inference' && findAddressText() === undefined) continue;
    const names = { runtime: `${runtime}/${device}` };
    if (runtime !== 'tensorflow') add(runtime as Part['library'], device, names);
    else if (device === 'tensorflow') add('native', 'cpu', names);
    else add('tfjs', device, names);
  }
  return [...parts.values()];
}

type NativeProbe = NativeTensorflow | { readonly reason: string };

/** TensorFlow takes seconds, memory and any GPU that it finds: it is tried in another process, once for all devices. */
async function probeNative(): Promise<NativeProbe> {
  try {
    return await proveTensorflow(findHome());
  } catch (error) {
    // What an error of ganx got; the rest of its message is the remedy.
    const message = messageOf(error);
    return { reason: `${/ got `([^`]+)`/.exec(message)?.[1] ?? message}.` };
  }
}

function judgeNative(native: NativeProbe, device: string): Probe {
  if (device === 'cuda' && !hasNvidiaDriver()) return { ok: false, reason: 'No NVIDIA driver was found.' };
  if ('reason' in native) return { ok: false, reason: native.reason };
  const { package: name, tensorflowVersion, usesGpu } = native;
  if (device === 'cuda' && !usesGpu) return { ok: false, reason: `${name} sees no CUDA device.` };
  return { ok: true, detail: `${tensorflowVersion} (${name})` };
}

/** Chromium by its version, without opening a page. */
async function probeBrowser(): Promise<Probe> {
  if (chromiumPath === undefined) return { ok: false, reason: 'No Chromium or Chrome was found.' };
  // On Windows it would open a window instead of an answer.
  if (process.platform === 'win32') return { ok: true };
  try {
    const { stdout } = await promisify(execFile)(chromiumPath, ['--version'], { timeout: BROWSER_MS });
    return { ok: true, detail: /\d+(?:\.\d+)+/.exec(stdout)?.[0] ?? stdout.trim() };
  } catch (error) {
    return { ok: false, reason: `${messageOf(error).replace(/\.$/, '')}.` };
  }
}

async function checkBrowser(machine: Machine, provider: CudaProvider): Promise<Check> {
  const browser = 'chromium';
  const found = await probeBrowser();
  if (found.ok) return { browser, ok: true, version: found.detail ?? 'unknown' };
  const remedy = findRemedy({ library: browser, device: 'any', reason: found.reason }, machine, provider);
  return { browser, ok: false, reason: found.reason, ...(remedy ? { remedy } : {}) };
}

/** Tries everything; takes some seconds, most of them for drivers and TensorFlow in processes of their own. */
export async function checkAll(machine: Machine): Promise<Check[]> {
  const [provider, native] = [await findCudaProvider(), await probeNative()];
  const checks: Check[] = [];
  for (const { library, device, ...names } of await listParts()) {
    const probe = async (): Promise<Probe> =>
      (await loadRuntime(library === 'tfjs' ? 'tensorflow' : library)).probe(device);
    const found = library === 'native' ? judgeNative(native, device) : await probe();
    if (found.ok) {
      checks.push({ ...names, ok: true, version: found.detail ?? 'unknown' });
    } else {
      const remedy = findRemedy({ library, device, reason: found.reason }, machine, provider);
      checks.push({ ...names, ok: false, reason: found.reason, ...(remedy ? { remedy } : {}) });
    }
  }
  return [...checks, await checkBrowser(machine, provider)];
}

/** What `ganx train --engine auto` and `ganx sample` take, by what was found. */
export async function chooseAutos(checks: readonly Check[]): Promise<AutoChoices> {
  const probe = async ({ engine, device }: Pick<EngineChoice, 'engine' | 'device'>): Promise<Probe> => {
    const check = checks.find((one) => one.engine === `${engine}/${device}`)!;
    return check.ok ? { ok: true } : { ok: false, reason: check.reason };
  };
  const train = await chooseEngine({}, probe).catch(() => undefined);
  let sample: Candidate | undefined;
  for (const candidate of autoCandidates) {
    const { runtime, device } = candidate;
    const isOpen = checks.some((one) => one.ok && one.runtime === `${runtime}/${device}`);
    if (isOpen && (await findReasonAgainst(candidate)) === undefined) {
      sample = candidate;
      break;
    }
  }
  return { ...(train ? { train } : {}), ...(sample ? { sample } : {}) };
}
