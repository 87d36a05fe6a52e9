/** The door of the figures' room: numbers and samples in, pictures, a page and a table out. */
export { type LikelihoodRecord, parseLikelihoods, parseTraining, type TrainingRecord } from './curves.js';
export { drawFigures, type FigureFacts, type FigureFile, type FigureSources } from './draw-figures.js';
export { expectTrainedOn, isMnist } from './known-data.js';
export {
  drawPixels,
  type LikelihoodItems,
  type LikelihoodOptions,
  type Measured,
  measureLikelihood,
} from './measure-likelihood.js';
export type { ToNetwork } from './nearest-items.js';
export { formatLikelihood, type MeasuredItems } from './table-one.js';
