/**
 * One model as it is served: a generator that drew its golden sample, its batcher, and who uses it. A file that is
 * replaced makes another one; this one goes when its last request is answered.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { GanError, messageOf } from '../core/errors.js';
import { sizeOf } from '../core/tensor.js';
import { openGenerator } from '../load-generator.js';
import { hasFiniteSample } from '../sample/golden.js';
import { compareGolden, type Generator, type ModelFile, readModelFile } from '../sample/index.js';
import { type Batcher, createBatcher } from './batcher.js';
import type { ServeSettings } from './options.js';
import { makePace } from './pace.js';
import { Refusal } from './refusal.js';
import { ganxVersion } from './version.js';

export interface ServedModel {
  readonly name: string;
  /** Of everything that an image's bytes depend on besides its parameters: file, runtime, device, ganx. */
  readonly version: string;
  /** SHA-256 (hex) of the file. */
  readonly digest: string;
  readonly file: ModelFile;
  readonly generator: Generator;
  readonly batcher: Batcher;
  /** Images that are accepted and not yet answered. */
  readonly accepted: number;
  /**
   * Accepts a request for so many images.
   *
   * @returns to be called once it is answered
   * @throws Refusal 503 when there are too many
   */
  enter(rows: number): () => void;
  /** When it is worth coming again, in seconds. */
  retryAfterS(): number;
  /** Disposes the generator as soon as no request uses it. */
  retire(): Promise<void>;
}

/** How often a run is tried. */
const RUNS = 3;

/** Draws what the file says it draws, or at least numbers. @throws GanError `BAD_MODEL_FILE` */
async function checkNumbers(generator: Generator, path: string): Promise<void> {
  const refuse = (got: string): GanError =>
    new GanError('BAD_MODEL_FILE', path, `Expected the golden sample, got \`${got}\`. Export it again.`);
  if (generator.metadata.golden === undefined) {
    if (!(await hasFiniteSample(generator))) throw refuse('values that are no numbers');
    return;
  }
  const { ok, maxDifference } = await compareGolden(generator);
  if (!ok) throw refuse(`an image that is off by ${maxDifference.toExponential(1)}`);
}

async function readBytes(path: string): Promise<Uint8Array> {
  try {
    return new Uint8Array(await readFile(path));
  } catch (cause) {
    const message = `Expected a file that can be read, got \`${messageOf(cause)}\`. Name a generator.onnx.`;
    throw new GanError('IO', path, message, { cause });
  }
}

/** Drawing again changes nothing, so a run that ended with its thread is done again while there is hope. */
async function runAgain<T>(run: () => Promise<T>): Promise<T> {
  for (let left = RUNS - 1; ; left--) {
    try {
      return await run();
    } catch (error) {
      if (left === 0 || !(error instanceof GanError && error.code === 'RUNTIME_UNAVAILABLE')) throw error;
    }
  }
}

/**
 * Opens a file.
 *
 * @param known the digest of the file that is served now: the same file again gives undefined
 * @param onRun is told the images of every run
 * @throws GanError as {@link openGenerator}; `BAD_MODEL_FILE` also for a golden sample that is drawn wrongly
 */
export async function openModel(
  name: string,
  path: string,
  settings: ServeSettings,
  onRun: (rows: number) => void,
  known?: string,
): Promise<ServedModel | undefined> {
  const bytes = await readBytes(path);
  const digest = createHash('sha256').update(bytes).digest('hex');
  if (digest === known) return undefined;
  const generator = await openGenerator(bytes, settings.load, path);
  try {
    await checkNumbers(generator, path);
  } catch (error) {
    await generator.dispose();
    throw error;
  }
  const { runtime, version, device } = generator;
  const described = JSON.stringify(settings.load.describe ?? {});
  const identity = [digest, described, runtime, version, device, ganxVersion()].join('\n');
  const { metadata } = generator;
  const { maxWaitUs } = settings;
  const pace = makePace(settings.maxBatch, maxWaitUs === undefined ? undefined : maxWaitUs / 1000);
  const batcher = createBatcher({
    run: (latents, labels) => runAgain(() => generator.run(latents, labels)),
    pace,
    latentSize: metadata.latentSize,
    imageSize: sizeOf(metadata.imageShape),
    maxBatch: settings.maxBatch,
    parallel: generator.workers?.().workers ?? 1,
    onRun,
  });

  let accepted = 0;
  let users = 0;
  let onFree: (() => void) | undefined;
  return {
    name,
    version: createHash('sha256').update(identity).digest('hex').slice(0, 16),
    digest,
    file: readModelFile(bytes),
    generator,
    batcher,
    get accepted() {
      return accepted;
    },
    enter: (rows) => {
      if (accepted + rows > settings.maxQueue) {
        const seconds = pace.secondsFor(accepted);
        throw new Refusal(503, `${name} has ${accepted} images to draw; no more are accepted now.`, seconds);
      }
      accepted += rows;
      users += 1;
      return () => {
        accepted -= rows;
        users -= 1;
        if (users === 0) onFree?.();
      };
    },
    retryAfterS: () => pace.secondsFor(accepted),
    retire: async () => {
      if (users > 0)
        await new Promise<void>((resolve) => {
          onFree = resolve;
        });
      await generator.dispose();
    },
  };
}
