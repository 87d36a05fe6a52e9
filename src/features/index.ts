/** The features' room: the small network that ganx trains on a data set to compare images by. */
export { type CachedFeatures, findFeatures } from './cache.js';
export { type FeatureTraining, trainFeatures } from './train.js';
