/**
 * ONNX Runtime compiled to WebAssembly, in Node: the package's main build, which reads its .wasm from the disk.
 * A page has another build, onnxruntime-web-page.ts.
 */
import type { Runtime } from '../src/core/types.js';
import { createOnnxruntimeWeb } from './onnxruntime-web-adapter.js';

/** The adapter; device `wasm`. */
export const onnxruntimeWeb: Runtime = createOnnxruntimeWeb(() => import('onnxruntime-web'));
