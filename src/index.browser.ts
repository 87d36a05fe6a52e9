/**
 * `ganx` in a page: load a generator.onnx and draw from it. As index.ts, less what only Node can do: the list of
 * runtimes, since a page has one.
 */

export { GanError, type GanErrorCode } from './core/errors.js';
export type { GeneratorMetadata, GoldenSample } from './core/metadata.js';
export { decodeNpy, encodeNpy } from './core/npy.js';
export type { FloatTensor, PlainTensor } from './core/tensor.js';
export type { DeviceCandidate, GeneratorShape, RefusedDevice, Session, WorkerState } from './core/types.js';
export { loadGenerator, type PageLoadOptions as LoadOptions } from './load-generator.browser.js';
export * from './sample/index.js';
