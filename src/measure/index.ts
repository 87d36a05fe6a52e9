/** The measuring room's door: what is compared with numbers. It knows no runtime; sessions are handed in. */
export { labelsOf, nameOf } from './compare-images.js';
export { type Coverage, type KnownMixture, measureCoverage, WITHIN } from './coverage.js';
export { extractFeatures } from './features.js';
export { measureFid } from './frechet.js';
export { writeHtmlReport } from './html-report.js';
export { KID_BLOCK, type KidOptions, type KidResult, measureKid } from './kid.js';
export { writeMarkdownReport } from './markdown-report.js';
export {
  countStatuses,
  describeReport,
  explainBounds,
  type ParityMatrix,
  tabulateMaxima,
  tabulateReport,
  titleOf,
} from './matrix.js';
export { findNearest, type Nearest } from './nearest.js';
export {
  type Candidate,
  measureParity,
  PARITY_SEED,
  type ParityOptions,
  type ParityReport,
  type ParityRow,
} from './parity.js';
export {
  type LogLikelihood,
  measureParzen,
  PARZEN_SIGMAS,
  type ParzenInput,
  type ParzenOptions,
  type ParzenResult,
} from './parzen.js';
export { measurePrecisionRecall, NEIGHBOURS, type PrecisionRecall } from './precision-recall.js';
export { type Rows, toPixels, toRows } from './rows.js';
export type { DistanceOptions, RunJobs } from './run-jobs.js';
