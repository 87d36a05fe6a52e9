/** `ganx/export`: from a live network to ONNX bytes. */
export {
  type ExportOptions,
  type ExportResult,
  type ExportSource,
  exportGenerator,
} from './export-generator.js';
export { traceGenerator } from './generator.js';
export { openLiveGenerator } from './live-generator.js';
export { describeModel, encodeModel, type ModelDescription } from './model-proto.js';
export { trace } from './trace.js';
export { compileSteps } from './training-step.js';
