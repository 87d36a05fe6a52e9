/**
 * The WebGPU adapter of a page, in words: whether there is one, what it is, and whether it only pretends to be a GPU.
 * It knows no library; the library asks for an adapter of its own, and gets the same.
 * https://www.w3.org/TR/webgpu/#gpuadapterinfo
 */
import { unavailable } from './contract.js';

const WHERE = 'onnxruntime-web';

/** Names under which drivers that compute on the CPU report themselves. */
const SOFTWARE = /swiftshader|llvmpipe|lavapipe|basic render/i;

/** A page's adapter. */
export interface GpuAdapter {
  /** Vendor, architecture and description, as far as the browser tells. */
  readonly name: string;
  /** Whether the CPU does its work. */
  readonly isSoftware: boolean;
}

/**
 * Asks the browser for its adapter, anew each time.
 *
 * @throws GanError `RUNTIME_UNAVAILABLE` when the page has no WebGPU or the browser no adapter
 */
export async function requireAdapter(): Promise<GpuAdapter> {
  const gpu = typeof navigator === 'undefined' ? undefined : navigator.gpu;
  if (!gpu) {
    const isInsecure = typeof isSecureContext !== 'undefined' && !isSecureContext;
    const reason = isInsecure
      ? 'a page without https, in which browsers keep WebGPU off'
      : 'a browser without WebGPU, or with WebGPU turned off';
    throw unavailable(WHERE, 'webgpu', reason);
  }
  const adapter = await gpu.requestAdapter();
  if (!adapter) throw unavailable(WHERE, 'webgpu', 'a browser that finds no graphics hardware for WebGPU');
  const { vendor, architecture, device, description, isFallbackAdapter } = adapter.info;
  const words = [vendor, architecture, device, description].filter((word) => word !== '');
  const name = [...new Set(words)].join(' ') || 'an adapter without a name';
  return { name, isSoftware: isFallbackAdapter || SOFTWARE.test(name) };
}

/**
 * For whoever chooses a device by itself: a GPU that the CPU plays is slower than the CPU.
 *
 * @throws GanError `RUNTIME_UNAVAILABLE` when there is no adapter, or only one in software
 */
export async function refuseSoftwareAdapter(): Promise<void> {
  const { name, isSoftware } = await requireAdapter();
  if (isSoftware)
    throw unavailable(WHERE, 'webgpu', `${name}, which computes on the CPU and slower than wasm does`);
}
