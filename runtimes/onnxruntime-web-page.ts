/**
 * ONNX Runtime compiled to WebAssembly, in a page or its worker, by a build for each device: `wasm` is the build for
 * WebAssembly alone (14 MB, version 1.30.0); `webgpu` is the one that also holds ONNX Runtime's native WebGPU provider
 * (27 MB, compiled with Asyncify; not the older one in JavaScript, "JSEP"). Each is loaded when it is first asked for.
 */
import type { Runtime } from '../src/core/types.js';
import { createOnnxruntimeWeb } from './onnxruntime-web-adapter.js';

export { refuseSoftwareAdapter } from './onnxruntime-web-gpu.js';

/** Gets the bytes of the module for `wasm`; undefined for the package's own. */
let getModule: (() => Promise<ArrayBuffer | undefined>) | undefined;

/**
 * Puts another module into the place of the package's own for the device `wasm`: a part of the same build.
 *
 * @param get called when the device is first needed; the package's own module is taken where it gives none
 */
export function replaceModule(get: typeof getModule): void {
  getModule = get;
}

async function loadForWasm(): Promise<typeof import('onnxruntime-web')> {
  const module = getModule?.();
  // Only the first session starts the module.
  getModule = undefined;
  const ort = await import('onnxruntime-web/wasm');
  const bytes = await module;
  if (bytes) ort.env.wasm.wasmBinary = bytes;
  return ort;
}

/** The adapter; devices `webgpu` and `wasm`. */
export const onnxruntimeWeb: Runtime = createOnnxruntimeWeb({
  wasm: loadForWasm,
  webgpu: () => import('onnxruntime-web/webgpu'),
});
