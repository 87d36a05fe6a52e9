/** Linting of any ONNX file. */
export { lintModel, lintSize, RULE_NAMES } from './lint-model.js';
export type { Finding, Severity } from './rule.js';
