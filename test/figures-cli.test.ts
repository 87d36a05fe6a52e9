/** `ganx figures` as a user has it: what it writes, prints, goes on with, and refuses; on tiny trainings. */
import { existsSync } from 'node:fs';
import { cp, mkdir, readdir, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { encodeNpy } from '../src/core/npy.js';
import { uniform } from '../src/core/random.js';
import { plainTensor } from '../src/core/tensor.js';
import { expectRefusal, ganx, ganxOk, makeWorkplace } from './support/cli.js';
