/**
 * The sampling room's door: seeds to latents, latents through a Session to images, images to a PNG.
 * Pure: bytes in, bytes out; it runs in Node and in a page.
 */
export { chooseDevice, type MetadataSource } from './choose-device.js';
export { describeForeign, type LatentDescription } from './describe-foreign.js';
export { createGenerator, type Drawn, type Generator, type Samples } from './generator.js';
export { checkGolden, compareGolden, type GoldenCheck, type GoldenDifference, makeGolden } from './golden.js';
export { type GridOptions, makeGrid } from './grid.js';
export { drawLatents, type LatentShape } from './latents.js';
export { encodePng, type PngOptions } from './png.js';
export { toBytes } from './quantize.js';
export { findMetadata, type ModelFile, readMetadata, readModelFile } from './read-metadata.js';
export type { FileValue } from './read-values.js';
export { type CanvasPixels, toRgba } from './rgba.js';
export type { DrawOptions, InterpolateOptions, SampleOptions } from './sample-options.js';
export { drawPoints, type PlotOptions } from './scatter.js';
export { type SheetOptions, type SheetShape, toGrid, toImageData, toPng } from './sheet.js';
export { type WalkMethod, walkLatents } from './walk-latents.js';
