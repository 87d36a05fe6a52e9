/** `ganx/export`: from a live network to ONNX bytes. */

export { adoptMetadata } from './adopt-metadata.js';
export { bisectDivergence, type Divergence, writeReproduction } from './bisect/index.js';
export { HALF_BOUND, type LevelDifference } from './check-half.js';
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
  type HalfCheck,
} from './export-generator.js';
export { traceGenerator } from './generator.js';
export { type Finding, lintModel } from './lint/index.js';
export { openLiveGenerator } from './live-generator.js';
export { joinFile, type ModelFile } from './model-file.js';
export { encodeModel } from './model-proto.js';
export { trace } from './trace.js';
export { compileSteps } from './training-step.js';
export { formatTritonConfig } from './triton-config.js';
