/** Loads a snapshot and does nothing else: what export.ts compares an export's memory with. */
import { loadCheckpoint } from '../src/checkpoint/index.js';

const [path = ''] = process.argv.slice(2);
await loadCheckpoint(path);
