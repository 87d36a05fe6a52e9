/** Bisecting two sides that disagree down to a node, and writing that down for others. */
export { bisectDivergence } from './bisect.js';
export { writeReproduction } from './reproduction.js';
export type { BisectOptions, Divergence, Engine, Side } from './types.js';
