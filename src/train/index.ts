/** `ganx/train`: train a GAN from Node. */
export { chooseEngine, type EngineChoice, type EngineOnDevice } from './engines/choose.js';
export type { Engine, State } from './engines/engine.js';
export { hasNvidiaDriver } from './engines/nvidia.js';
export { type OpenSession, openSessionEngine } from './engines/session-engine.js';
export { ENGINES, type EngineName, engineNames, expectDevice, listEngineDevices } from './engines/table.js';
export { openTensorflowEngine, probeTensorflowEngine } from './engines/tensorflow-engine.js';
export { openTfjsEngine } from './engines/tfjs-engine.js';
export { makeFeeds } from './feeds.js';
export {
  parseModelOptions,
  parseOptions,
  planTraining,
  type TrainChoices,
  type TrainOptions,
} from './options.js';
export { findPretrained, type Pretrained } from './pretrained.js';
export { toNetworkRange } from './reals.js';
export { findRecipe, type Recipe, recipeNames } from './recipes.js';
export { createRun, expectNewFolder, type RunFolder, readOptions, reopenRun } from './run.js';
export { makeStep, type Step, type StepOptions } from './step.js';
export { type TrainContext, type TrainProgress, type TrainResult, train } from './train.js';
export { openWatch, spreadLatents, type Watch } from './watch.js';
