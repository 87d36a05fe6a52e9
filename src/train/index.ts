/** `ganx/train`: train a GAN from Node. */
export type { Engine, State } from './engines/engine.js';
export { type OpenSession, openSessionEngine } from './engines/session-engine.js';
export { openTfjsEngine, tfjsDevices } from './engines/tfjs-engine.js';
export { makeFeeds } from './feeds.js';
export {
  parseModelOptions,
  parseOptions,
  planTraining,
  type TrainChoices,
  type TrainOptions,
} from './options.js';
export { createRun, expectNewFolder, type RunFolder, readOptions, reopenRun } from './run.js';
export { makeStep, type Step, type StepOptions } from './step.js';
export { type TrainContext, type TrainProgress, type TrainResult, train } from './train.js';
