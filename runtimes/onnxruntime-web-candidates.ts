/**
 * What `auto` tries in a page, best first, for whoever loads a generator there. It does not choose.
 */
import type { DeviceCandidate, OpenOptions } from '../src/core/types.js';
import { onnxruntimeWeb, prepareWasm, refuseSoftwareAdapter } from './onnxruntime-web-page.js';
import { encodeProbeModel } from './probe-model.js';

/** Best first. */
const AUTO = ['webgpu', 'wasm'];

/**
 * The devices on which a page could run a file: WebGPU, if it is no software that plays a GPU, then WebAssembly.
 *
 * @param bytes the file; kept until a device is chosen
 */
export function listPageCandidates(
  bytes: Uint8Array,
  options: Omit<OpenOptions, 'device'> = {},
): DeviceCandidate[] {
  return AUTO.map((device) => ({
    runtime: onnxruntimeWeb.name,
    device,
    open: async () => {
      if (device === 'webgpu') await refuseSoftwareAdapter();
      return await onnxruntimeWeb.open(bytes, optionsFor(device, options));
    },
  }));
}

/** The options for one device of those that were meant for any: threads are WebAssembly's. */
function optionsFor(device: string, { threads, ...rest }: Omit<OpenOptions, 'device'>): OpenOptions {
  return { ...rest, device, ...(device === 'wasm' && threads !== undefined ? { threads } : {}) };
}

/**
 * Loads and compiles the runtime that will most likely run a file, while the file is still on its way.
 *
 * @param device    one of the page's, or `auto`
 * @param isFileHere whether the file has come: then its own session is the first
 * @returns when it is ready. What goes wrong is for whoever opens the file to meet, except that a runtime which failed
 *          to start once does not say why a second time
 * @throws GanError `RUNTIME_UNAVAILABLE`
 */
export async function startRuntime(
  device: string,
  options: Omit<OpenOptions, 'device'> = {},
  isFileHere: () => Promise<boolean> = async () => false,
): Promise<void> {
  const hasGpu =
    device === 'auto' &&
    (await refuseSoftwareAdapter().then(
      () => true,
      () => false,
    ));
  const likely = device === 'auto' ? (hasGpu ? 'webgpu' : 'wasm') : device;
  try {
    if (likely === 'wasm') await prepareWasm();
    if (await isFileHere()) return;
    const session = await onnxruntimeWeb.open(encodeProbeModel(), optionsFor(likely, options));
    await session.dispose();
  } catch (error) {
    // Another device may do.
    if (!hasGpu) throw error;
  }
}
