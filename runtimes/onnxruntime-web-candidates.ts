/**
 * What `auto` tries in a page, best first, for whoever loads a generator there. It does not choose.
 */
import type { DeviceCandidate, OpenOptions } from '../src/core/types.js';
import { onnxruntimeWeb, refuseSoftwareAdapter } from './onnxruntime-web-page.js';

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
  const { threads, ...rest } = options;
  return AUTO.map((device) => ({
    runtime: onnxruntimeWeb.name,
    device,
    open: async () => {
      if (device === 'webgpu') await refuseSoftwareAdapter();
      // Threads are WebAssembly's.
      const own = device === 'wasm' && threads !== undefined ? { threads } : {};
      return await onnxruntimeWeb.open(bytes, { ...rest, ...own, device });
    },
  }));
}
