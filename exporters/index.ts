/** `ganx/export`: from a live network to ONNX bytes. */
export { describeModel, type ModelDescription } from './describe-model.js';
export {
  type ExportCheck,
  type ExportChoices,
  type ExportOptions,
  type ExportPhase,
  type ExportResult,
  type ExportSource,
  exportGenerator,
  exportInParts,
} from './export-generator.js';
export { traceGenerator } from './generator.js';
export { openLiveGenerator } from './live-generator.js';
export { joinFile, type ModelFile } from './model-file.js';
export { encodeModel } from './model-proto.js';
export { trace } from './trace.js';
export { compileSteps } from './training-step.js';
