/**
 * ONNX Runtime compiled to WebAssembly, in a page: the build for WebAssembly alone, whose .wasm is half the size of
 * the main build's (14 MB against 28 MB, version 1.30.0). That build cannot read its .wasm from Node's disk.
 */
import type { Runtime } from '../src/core/types.js';
import { createOnnxruntimeWeb } from './onnxruntime-web-adapter.js';

/** The adapter; device `wasm`. */
export const onnxruntimeWeb: Runtime = createOnnxruntimeWeb(() => import('onnxruntime-web/wasm'));
