/** `ganx`: load a generator.onnx and draw from it. Training is in `ganx/train`, exporting in `ganx/export`. */

export { loadRuntime, probeAll, runtimeNames } from '../runtimes/index.js';
export { GanError, type GanErrorCode } from './core/errors.js';
export type { GeneratorMetadata, GoldenSample } from './core/metadata.js';
export { decodeNpy, encodeNpy } from './core/npy.js';
export type { FloatTensor, PlainTensor } from './core/tensor.js';
export type {
  DeviceCandidate,
  GeneratorShape,
  Probe,
  RefusedDevice,
  Runtime,
  Session,
  WorkerState,
} from './core/types.js';
export { type LoadOptions, loadGenerator } from './load-generator.js';
export * from './sample/index.js';
