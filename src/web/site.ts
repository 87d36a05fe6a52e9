/**
 * What the prebuilt bundle `ganx.js` is made of: everything of `ganx/web`, for pages without a bundler, which need
 * not define `<ganx-samples>` either.
 */
import { defineGanxSamples } from './index.js';

export * from './index.js';

defineGanxSamples();
