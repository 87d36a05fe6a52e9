/**
 * ganx's own runtime: WebAssembly kernels of some kilobytes for the generators that ganx exports, which start at once
 * where ONNX Runtime's module of 14 MB has to be fetched and compiled first. Files that are no chain of the operators
 * it knows are refused, and are other runtimes' business. It runs in pages and in Node alike.
 */
import { GanError, messageOf } from '../src/core/errors.js';
import { WireError } from '../src/core/protobuf.js';
import type { Probe, Runtime, Session } from '../src/core/types.js';
import { badModel, requireDevice, requireThreads, unavailable } from './contract.js';
import { compileKernels } from './ganx-wasm/kernels.js';
import { readGraph } from './ganx-wasm/read-graph.js';
import { openSession, VERSION } from './ganx-wasm/session.js';
import { NAME, unsupported } from './ganx-wasm/unsupported.js';

const DEVICES = ['wasm'];
const NO_SIMD = 'No WebAssembly with SIMD, or a policy without wasm-unsafe-eval.';

/** The adapter; device `wasm`, on one thread. */
export const ganxWasm: Runtime = {
  name: NAME,
  devices: DEVICES,

  async probe(device): Promise<Probe> {
    if (!DEVICES.includes(device)) return { ok: false, reason: `It has no device named ${device}.` };
    return compileKernels() ? { ok: true, detail: VERSION } : { ok: false, reason: NO_SIMD };
  },

  async open(bytes, { device, threads }): Promise<Session> {
    requireDevice(NAME, DEVICES, device);
    requireThreads(NAME, threads);
    const kernels = compileKernels();
    if (!kernels) throw unavailable(NAME, device, NO_SIMD);
    try {
      return openSession(readGraph(bytes), kernels);
    } catch (cause) {
      if (cause instanceof GanError) throw cause;
      if (cause instanceof WireError) throw badModel(NAME, bytes.length, cause);
      // An attribute of another type than the operator has, say: ONNX Runtime has the last word on it.
      throw unsupported('a graph as the operators’ definitions have it', messageOf(cause), cause);
    }
  },
};
