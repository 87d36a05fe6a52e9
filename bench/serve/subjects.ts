/**
 * The generators that are served, as files, and the most that each draws without a server. It knows no requests.
 */
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { readWholeFile } from '../../src/checkpoint/index.js';
import type { GeneratorShape } from '../../src/core/types.js';
import { readMetadata } from '../../src/sample/index.js';
import { measureCommand } from '../measure-command.js';
import { saveUntrained } from '../untrained-snapshot.js';
import type { OfflineOptions, OfflineResult } from './offline.js';
import { runProgram } from './run-program.js';

const DIST = new URL('../../', import.meta.url);

/** A served generator. */
export interface Subject {
  readonly name: string;
  readonly title: string;
  readonly file: string;
  readonly shape: GeneratorShape;
}

/** The paper's sizes for MNIST; a common DCGAN; two that cost 5 ms an image or more on two cores. */
const NETWORKS = {
  mlp: { title: 'MLP 28x28, width 1200', model: 'mlp', imageShape: [28, 28, 1], width: 1200 },
  dcgan: { title: 'DCGAN 28x28, width 64', model: 'dcgan', imageShape: [28, 28, 1], width: 64 },
  wide: { title: 'DCGAN 64x64 RGB, width 128', model: 'dcgan', imageShape: [64, 64, 3], width: 128 },
  wider: { title: 'DCGAN 64x64 RGB, width 256', model: 'dcgan', imageShape: [64, 64, 3], width: 256 },
} as const;

export type SubjectName = keyof typeof NETWORKS;

/** Exports a generator that nobody trained; speed does not depend on weights. */
export async function makeSubject(folder: string, name: SubjectName): Promise<Subject> {
  const { title, model, imageShape, width } = NETWORKS[name];
  const snapshot = join(folder, `${name}.safetensors`);
  const file = join(folder, `${name}.onnx`);
  await saveUntrained(snapshot, model, { imageShape, width });
  await measureCommand(DIST, 'src/cli/main.js', ['export', snapshot, '-o', file]);
  return { name, title, file, shape: readMetadata(await readWholeFile(file)) };
}

/** One way to use all cores. */
export interface OfflineWay {
  readonly processes: number;
  readonly threads: number;
  readonly batch: number;
}

const BATCHES = [16, 64, 128];
/** How long each way is tried before the best is chosen. */
const TRIAL_SECONDS = 5;

/** Draws by one way for some seconds. */
export async function measureOffline(
  { file }: Subject,
  { processes, threads, batch }: OfflineWay,
  seconds: number,
): Promise<OfflineResult> {
  const options: OfflineOptions = { file, threads, batch, seconds };
  const results = await Promise.all(
    Array.from({ length: processes }, () => runProgram<OfflineResult>('offline.js', options)),
  );
  return {
    perSecond: results.reduce((sum, one) => sum + one.perSecond, 0),
    cpuMsPerImage: results.reduce((sum, one) => sum + one.cpuMsPerImage, 0) / processes,
  };
}

/** The quickest way: one session with all cores or one for each core, at several batches. */
export async function findBestWay(subject: Subject): Promise<OfflineWay> {
  const cores = availableParallelism();
  let best: OfflineWay | undefined;
  let most = 0;
  for (const processes of new Set([1, cores]))
    for (const batch of BATCHES) {
      const way = { processes, threads: Math.floor(cores / processes), batch };
      const { perSecond } = await measureOffline(subject, way, TRIAL_SECONDS);
      if (best && perSecond <= most) continue;
      best = way;
      most = perSecond;
    }
  return best!;
}
