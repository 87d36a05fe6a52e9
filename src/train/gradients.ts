/**
 * Registers the gradients of tfjs-core's ops, which on Node come with the whole package alone. It is required, not
 * imported: Node would search megabytes of CommonJS for names that nobody asks for, a third of a second at every start.
 * Bundlers for browsers take tfjs-core's own module in its place (`imports` in package.json).
 */
import { createRequire } from 'node:module';

createRequire(import.meta.url)('@tensorflow/tfjs');
