/**
 * ONNX Runtime compiled to WebAssembly, in a page or its worker, by a build for each device: `wasm` is the build for
 * WebAssembly alone (14 MB, version 1.30.0); `webgpu` is the one that also holds ONNX Runtime's native WebGPU provider
 * (27 MB, compiled with Asyncify; not the older one in JavaScript, "JSEP"). Each is loaded when it is first asked for.
 */
import type * as Ort from 'onnxruntime-web';
import type { Runtime } from '../src/core/types.js';
import { createOnnxruntimeWeb } from './onnxruntime-web-adapter.js';

export { refuseSoftwareAdapter } from './onnxruntime-web-gpu.js';

/** Gives a module for `wasm`; undefined for the package's own. */
let getModule: (() => Promise<WebAssembly.Module | undefined>) | undefined;
let loaded: Promise<typeof Ort> | undefined;

/**
 * Puts another module into the place of the package's own for the device `wasm`: a part of the same build.
 *
 * @param get called when the device is first needed; the package's own module is taken where it gives none
 */
export function replaceModule(get: typeof getModule): void {
  getModule = get;
}

/**
 * Lets the library start a compiled module. It takes bytes only, and hands them to `WebAssembly.instantiate`: it gets
 * a few that stand for the module, which that function then finds in their place.
 */
function startFrom(module: WebAssembly.Module, ort: typeof Ort): void {
  const stand = new ArrayBuffer(1);
  const instantiate = WebAssembly.instantiate as (
    source: unknown,
    imports?: WebAssembly.Imports,
  ) => Promise<WebAssembly.Instance>;
  const instead = async (source: ArrayBufferView | object, imports?: WebAssembly.Imports) => {
    if (!ArrayBuffer.isView(source) || source.buffer !== stand) return instantiate(source, imports);
    return { module, instance: await instantiate(module, imports) };
  };
  Object.assign(WebAssembly, { instantiate: instead });
  ort.env.wasm.wasmBinary = stand;
}

async function loadWasm(): Promise<typeof Ort> {
  const module = getModule?.();
  const ort = await import('onnxruntime-web/wasm');
  const part = await module;
  if (part) startFrom(part, ort);
  return ort;
}

/** Loads what the device `wasm` needs, short of a model. */
export function prepareWasm(): Promise<typeof Ort> {
  loaded ??= loadWasm();
  return loaded;
}

/** The adapter; devices `webgpu` and `wasm`. */
export const onnxruntimeWeb: Runtime = createOnnxruntimeWeb({
  wasm: prepareWasm,
  webgpu: () => import('onnxruntime-web/webgpu'),
});
