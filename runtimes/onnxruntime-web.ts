/**
 * ONNX Runtime compiled to WebAssembly, in Node: the package's main build, which reads its .wasm from the disk.
 * A page has other builds, onnxruntime-web-page.ts.
 */
import type { Runtime } from '../src/core/types.js';
import { createOnnxruntimeWeb } from './onnxruntime-web-adapter.js';

/** The adapter; device `wasm`. WebGPU is for pages: Node has none. */
export const onnxruntimeWeb: Runtime = createOnnxruntimeWeb({
  wasm: () => import('onnxruntime-web'),
});
