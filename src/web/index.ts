/**
 * `ganx/web`: generators in web pages, as functions and as the element `<ganx-samples>`. Everything is computed in the
 * visitor's browser, in a worker.
 */
export { GanError, type GanErrorCode } from '../core/errors.js';
export type { GeneratorMetadata } from '../core/metadata.js';
export type { FloatTensor } from '../core/tensor.js';
export type { RefusedDevice } from '../core/types.js';
export { type LatentDescription, type SampleOptions, type Samples, walkLatents } from '../sample/index.js';
export { loadGenerator, type WebGenerator, type WebLoadOptions } from './client.js';
export type { LoadProgress } from './messages.js';
export { drawPicture, type PictureOptions, paint, saveFile, toPixels } from './picture.js';
export { createSampleGrid, nameSample, type SampleGrid } from './sample-grid.js';
export { defineGanxSamples, GanxSamplesElement, type GanxSamplesEvents } from './samples-element.js';
export { GRID_STYLE, makeSheet } from './style.js';
