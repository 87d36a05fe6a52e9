/**
 * Serves dist/figure-1 to this machine, as a careful server would, until Ctrl-C.
 * Run: npm run figure-1
 */
import { fileURLToPath } from 'node:url';
import { serveFolder } from '../../dist/src/browser/serve-folder.js';

const server = await serveFolder(fileURLToPath(new URL('../../dist/figure-1', import.meta.url)));
console.log(`Figure 1, alive: ${server.origin}/  (Ctrl-C ends it)`);
process.once('SIGINT', () => server.close());
