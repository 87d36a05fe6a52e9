/**
 * What a page tries for a file, best first, for whoever loads a generator there. It does not choose.
 */

import { ganxWasm } from '../runtimes/ganx-wasm.js';
import { onnxruntimeWeb, refuseSoftwareAdapter } from '../runtimes/onnxruntime-web-page.js';
import { encodeProbeModel } from '../runtimes/probe-model.js';
import { GanError } from './core/errors.js';
import type { DeviceCandidate, OpenOptions, RefusedDevice, Runtime, Session } from './core/types.js';

type Options = Omit<OpenOptions, 'device'>;

/** The runtimes of a page by name. */
export const pageRuntimes: Readonly<Record<string, Runtime>> = {
  [ganxWasm.name]: ganxWasm,
  [onnxruntimeWeb.name]: onnxruntimeWeb,
};

/** The devices of a page. */
export const pageDevices: readonly string[] = onnxruntimeWeb.devices;

/** The options for one device of those that were meant for any: threads are WebAssembly's. */
function optionsFor(device: string, { threads, ...rest }: Options): OpenOptions {
  return { ...rest, device, ...(device === 'wasm' && threads !== undefined ? { threads } : {}) };
}

/**
 * Who could run a file on WebAssembly: ganx's own kernels, which are there at once, and ONNX Runtime, which runs every
 * file. Whoever asks for several threads means ONNX Runtime.
 */
function listForWasm(bytes: Uint8Array, options: Options): DeviceCandidate[] {
  const isThreaded = (options.threads ?? 1) > 1;
  return (isThreaded ? [onnxruntimeWeb] : [ganxWasm, onnxruntimeWeb]).map((runtime) => ({
    runtime: runtime.name,
    device: 'wasm',
    open: () => runtime.open(bytes, optionsFor('wasm', options)),
  }));
}

/**
 * What `auto` tries, best first: WebGPU, if it is no software that plays a GPU, then WebAssembly.
 *
 * @param bytes the file; kept until one is chosen
 * @param name  only this runtime's devices
 */
export function listPageCandidates(
  bytes: Uint8Array,
  name: string | undefined,
  options: Options = {},
): DeviceCandidate[] {
  const open = async () => {
    await refuseSoftwareAdapter();
    return await onnxruntimeWeb.open(bytes, optionsFor('webgpu', options));
  };
  const all = [{ runtime: onnxruntimeWeb.name, device: 'webgpu', open }, ...listForWasm(bytes, options)];
  return all.filter(({ runtime }) => name === undefined || runtime === name);
}

/**
 * Opens a file on the one device that was named, whatever it draws there.
 *
 * @param name a runtime; absent: the first that knows the file's operators, and `refused` says which do not
 * @throws GanError as `Runtime.open`
 */
export async function openOnDevice(
  bytes: Uint8Array,
  device: string,
  name: string | undefined,
  options: Options = {},
): Promise<{ readonly session: Session; readonly refused: readonly RefusedDevice[] }> {
  const refused: RefusedDevice[] = [];
  if (device === 'wasm' && name === undefined) {
    const [own, ...others] = listForWasm(bytes, options);
    try {
      return { session: await own!.open(), refused };
    } catch (error) {
      if (others.length === 0 || !(error instanceof GanError && error.code === 'UNSUPPORTED_OP')) throw error;
      refused.push({ runtime: own!.runtime, device, reason: error.reason });
    }
  }
  const runtime = pageRuntimes[name ?? onnxruntimeWeb.name]!;
  return { session: await runtime.open(bytes, optionsFor(device, options)), refused };
}

/**
 * Loads and compiles ONNX Runtime while the file is still on its way, where it will most likely run it: on WebGPU, and
 * with several threads. ganx's own kernels need no time to start.
 *
 * @param device     one of the page's, or `auto`
 * @param isFileHere whether the file has come: then its own session is the first
 * @returns when it is ready. What goes wrong is for whoever opens the file to meet, except that a runtime which failed
 *          to start once does not say why a second time
 * @throws GanError `RUNTIME_UNAVAILABLE`
 */
export async function startRuntime(
  device: string,
  options: Options = {},
  isFileHere: () => Promise<boolean> = async () => false,
): Promise<void> {
  const hasGpu =
    device === 'auto' &&
    (await refuseSoftwareAdapter().then(
      () => true,
      () => false,
    ));
  const likely = device === 'auto' ? (hasGpu ? 'webgpu' : 'wasm') : device;
  if (likely === 'wasm' && (options.threads ?? 1) === 1) return;
  try {
    if (await isFileHere()) return;
    const session = await onnxruntimeWeb.open(encodeProbeModel(), optionsFor(likely, options));
    await session.dispose();
  } catch (error) {
    // Another device may do.
    if (!hasGpu) throw error;
  }
}
