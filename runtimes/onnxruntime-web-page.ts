/**
 * ONNX Runtime compiled to WebAssembly, in a page or its worker, by a build for each device: `wasm` is the build for
 * WebAssembly alone (14 MB, version 1.30.0); `webgpu` is the one that also holds ONNX Runtime's native WebGPU provider
 * (27 MB, compiled with Asyncify; not the older one in JavaScript, "JSEP"). Each is loaded when it is first asked for.
 */
import type { Runtime } from '../src/core/types.js';
import { createOnnxruntimeWeb } from './onnxruntime-web-adapter.js';

export { refuseSoftwareAdapter } from './onnxruntime-web-gpu.js';

/** The adapter; devices `webgpu` and `wasm`. */
export const onnxruntimeWeb: Runtime = createOnnxruntimeWeb({
  wasm: () => import('onnxruntime-web/wasm'),
  webgpu: () => import('onnxruntime-web/webgpu'),
});
