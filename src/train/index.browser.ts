/**
 * `ganx/train` in a page or its worker: the step, what it is fed, and the compiled engine on whatever session it is
 * handed. Without what needs Node: run folders, data files, engines of native libraries.
 */
export { averageWeights, type Engine, type State } from './engines/engine.js';
export { type OpenSession, openSessionEngine } from './engines/session-engine.js';
export { initialState } from './initial-state.js';
export type { LossName } from './losses.js';
export { drawNoise } from './noise.js';
export { adam, momentum, type Optimizer } from './optimizers.js';
export { averageDecay, momentumAt, rateAt } from './schedules.js';
export { LOSS_NAMES, type Losses, makeStep, type Step, type StepOptions } from './step.js';
export { openWatch, spreadLatents, type Watch } from './watch.js';
