/**
 * Everything that ganx can train and sample with: each library on each device, tried once, under the names that
 * `train` and `sample` have for it. It prints nothing.
 */
import { autoCandidates, type Candidate, listDevices, loadRuntime } from '../../runtimes/index.js';
import { messageOf } from '../core/errors.js';
import type { Probe } from '../core/types.js';
import type { NativeTensorflow } from '../tensorflow/load.js';
import { findHome } from '../tensorflow/places.js';
import { proveTensorflow } from '../tensorflow/prove.js';
import { chooseEngine, ENGINES, type EngineChoice, engineNames, hasNvidiaDriver } from '../train/index.js';
import { findCudaProvider } from './cuda-provider.js';
import { LIBRARY_OF_ENGINE } from './engines.js';
import type { Machine } from './machine.js';
import { type Fault, findRemedy, type Remedy } from './remedies.js';

interface Names {
  /** `onnxruntime/webgpu` stands for `--engine onnxruntime --device webgpu`. */
  readonly engine?: string;
  /** `onnxruntime-node/webgpu` stands for `--runtime onnxruntime-node --device webgpu`. */
  readonly runtime?: string;
}

/** A library on a device, by what `train` and `sample` call it, and whether it works. */
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

type Part = Names & Pick<Fault, 'library' | 'device'>;

/** Every library on every device, from the tables of engines and runtimes. */
async function listParts(): Promise<Part[]> {
  const parts = new Map<string, Part>();
  const add = (library: Fault['library'], device: string, names: Names): void => {
    const key = `${library}/${device}`;
    parts.set(key, { library, device, ...parts.get(key), ...names });
  };
  for (const engine of engineNames)
    for (const device of ENGINES[engine].devices)
      add(LIBRARY_OF_ENGINE[engine], device, { engine: `${engine}/${device}` });
  for (const { runtime, device } of await listDevices()) {
    const names = { runtime: `${runtime}/${device}` };
    if (runtime !== 'tensorflow') add(runtime as Fault['library'], device, names);
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
  return checks;
}

/** What `ganx train --engine auto` and `ganx sample` take, by what was found. */
export async function chooseAutos(checks: readonly Check[]): Promise<AutoChoices> {
  const probe = async ({ engine, device }: Pick<EngineChoice, 'engine' | 'device'>): Promise<Probe> => {
    const check = checks.find((one) => one.engine === `${engine}/${device}`)!;
    return check.ok ? { ok: true } : { ok: false, reason: check.reason };
  };
  const train = await chooseEngine({}, probe).catch(() => undefined);
  const sample = autoCandidates.find(({ runtime, device }) =>
    checks.some((one) => one.ok && one.runtime === `${runtime}/${device}`),
  );
  return { ...(train ? { train } : {}), ...(sample ? { sample } : {}) };
}
