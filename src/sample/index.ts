/**
 * The sampling room's door: seeds to latents, latents through a Session to images, images to a PNG.
 * Pure: bytes in, bytes out; it runs in Node and in a page.
 */
export { createGenerator, type Generator, type SampleOptions, type Samples } from './generator.js';
export { checkGolden, type GoldenCheck, makeGolden } from './golden.js';
export { type GridOptions, makeGrid } from './grid.js';
export { drawLatents } from './latents.js';
export { encodePng, type PngOptions } from './png.js';
export { toBytes } from './quantize.js';
export { type ModelFile, readMetadata, readModelFile } from './read-metadata.js';
export { drawPoints, type PlotOptions } from './scatter.js';
export { drawSheet, type SheetOptions } from './sheet.js';
