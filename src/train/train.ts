/**
 * Training, read from top to bottom: real images and noise in, one step of Algorithm 1 after the other, and now and
 * then something written to the run folder. It neither prints nor exits; a listener hears how it goes.
 */
import { findModel } from '../../models/index.js';
import type { Gan } from '../../models/types.js';
import { expected, GanError } from '../core/errors.js';
import type { TensorMap } from '../core/tensor.js';
import type { Dataset } from '../core/types.js';
import { drawLatents } from '../sample/index.js';
import type { Engine, State } from './engines/engine.js';
import { type OpenSession, openSessionEngine } from './engines/session-engine.js';
import { openTensorflowEngine } from './engines/tensorflow-engine.js';
import { openTfjsEngine } from './engines/tfjs-engine.js';
import { makeFeeds } from './feeds.js';
import { averagePixels, initialState, needsPixelMeans } from './initial-state.js';
import { makeOptimizer, type TrainOptions } from './options.js';
import { takePretrained } from './pretrained.js';
import type { RunFolder } from './run.js';
import { fakesName, saveSheet, saveSnapshot, saveState } from './save.js';
import { LOSS_NAMES, type Losses, makeStep, type Step } from './step.js';

/** Steps whose losses are averaged into one line of stats.jsonl. */
const STEPS_PER_LINE = 20;
/** A state is saved at least this often, so that a crash costs little; it changes no number. */
const STATE_EVERY_MS = 120_000;
/** Images on a preview sheet; points get more, since a plot of few says little. */
const PREVIEW_IMAGES = 64;
const PREVIEW_POINTS = 2048;

/** How a training is going. */
export interface TrainProgress {
  readonly imagesSeen: number;
  readonly images: number;
  readonly losses: Losses;
}

/** What {@link train} is handed beside the run folder. */
export interface TrainContext {
  readonly data: Dataset;
  /** Opens ONNX bytes for the engine `onnxruntime`. */
  readonly openSession: OpenSession;
  readonly onStart?: (engine: string) => void;
  readonly onProgress?: (progress: TrainProgress) => void;
  /** Stops after the current step; the state is saved first. */
  readonly signal?: AbortSignal;
}

/** How a training ended. */
export interface TrainResult {
  readonly imagesSeen: number;
  readonly finished: boolean;
  /** The last training state that was saved. */
  readonly statePath: string;
  readonly durationMs: number;
  /** Share of the time spent inside the engine's library. */
  readonly busyShare: number;
}

function openEngine(
  gan: Gan,
  step: Step,
  state: State,
  { engine, device }: TrainOptions,
  openSession: OpenSession,
): Promise<Engine> {
  if (engine === 'onnxruntime') return openSessionEngine(gan, step, state, openSession, device);
  const open = engine === 'tensorflow' ? openTensorflowEngine : openTfjsEngine;
  return open(gan, step, state, device);
}

async function beginState(gan: Gan, step: Step, options: TrainOptions, data: Dataset): Promise<State> {
  const means = needsPixelMeans(step) ? await averagePixels(gan, data) : undefined;
  const state = initialState(step, options.seed, means) as State;
  return options.pretrained ? await takePretrained(state, options.pretrained) : state;
}

/** Refuses a state that lacks a tensor of the step, or has it in another shape. */
function checkState(state: State, step: Step): void {
  for (const [name, { shape }] of Object.entries(step.state)) {
    const got = state[name]?.shape.join(', ');
    if (got === shape.join(', ')) continue;
    throw new GanError(
      'BAD_CHECKPOINT',
      'train',
      `Expected the training state to hold ${name} [${shape.join(', ')}], got \`${got === undefined ? 'none' : `[${got}]`}\`. ` +
        'It was saved under other options: restore options.json as it was.',
    );
  }
}

function checkLosses(losses: Losses, imagesSeen: number): void {
  const bad = LOSS_NAMES.find((name) => !Number.isFinite(losses[name]));
  if (!bad) return;
  throw new GanError(
    'DIVERGED',
    'train',
    `Expected finite losses, got \`${losses[bad]}\` for ${bad} after ${imagesSeen} images. ` +
      'The last state that was saved is whole: try a lower --learning-rate.',
  );
}

/**
 * Trains until the run's number of images is reached or the signal says stop.
 *
 * @throws GanError `DIVERGED` when a loss is no longer a number; `IO` when the run folder cannot be written. In both
 *         cases everything saved before is whole.
 */
export async function train(run: RunFolder, context: TrainContext): Promise<TrainResult> {
  try {
    return await trainToEnd(run, context);
  } finally {
    await run.close();
  }
}

async function trainToEnd(run: RunFolder, context: TrainContext): Promise<TrainResult> {
  const { options, progress } = run;
  const { data, openSession, onStart, onProgress, signal } = context;
  if (options.batch > data.count) throw expected('train', `a batch of at most ${data.count}`, options.batch);
  const gan = findModel(options.model).build(options.modelOptions);
  const step = makeStep(gan, { ...options, optimizer: makeOptimizer(options) });
  const state = run.state ?? (await beginState(gan, step, options, data));
  checkState(state, step);
  const engine = await openEngine(gan, step, state, options, openSession);
  onStart?.(engine.description);

  const previewCount = gan.shape.kind === 'points' ? PREVIEW_POINTS : PREVIEW_IMAGES;
  const previewLatents = drawLatents(gan.shape, options.seed, 0, previewCount);
  const shown = await data.read(Array.from({ length: Math.min(previewCount, data.count) }, (_, i) => i));
  const preview = async (): Promise<void> =>
    saveSheet(run, gan, fakesName(progress.imagesSeen), await engine.draw(previewLatents), shown);

  const imagesPerStep = options.batch * options.discriminatorSteps;
  const start = performance.now();
  const begunAt = progress.imagesSeen;
  let savedAt = start;
  let saved = '';
  const save = async (): Promise<void> => {
    saved = await saveState(run, gan, await engine.readState());
    savedAt = performance.now();
  };

  try {
    if (run.state === undefined) {
      await saveSheet(run, gan, 'reals.png', shown);
      await preview();
      await save();
    }
    while (progress.imagesSeen < options.images && !signal?.aborted) {
      const { imagesSeen } = progress;
      // Runs end where something is to be saved.
      const snapshotAt = (Math.floor(imagesSeen / options.snapshotEvery) + 1) * options.snapshotEvery;
      const stepsLeft = Math.ceil((Math.min(snapshotAt, options.images) - imagesSeen) / imagesPerStep);
      const feeds: TensorMap[] = [];
      for (let i = 0; i < Math.min(engine.stepsPerRun, stepsLeft); i++) {
        feeds.push(await makeFeeds(gan, step, options, data, progress.steps + i));
      }

      for (const losses of await engine.run(feeds)) {
        checkLosses(losses, progress.imagesSeen);
        progress.steps += 1;
        progress.imagesSeen += imagesPerStep;
        const { window } = progress;
        window.steps += 1;
        for (const name of LOSS_NAMES) window.sums[name] = (window.sums[name] ?? 0) + losses[name];
        if (window.steps === STEPS_PER_LINE) {
          const means = Object.fromEntries(
            LOSS_NAMES.map((name) => [name, window.sums[name]! / window.steps]),
          );
          await run.stats.append({ steps: progress.steps, imagesSeen: progress.imagesSeen, ...means });
          progress.window = { steps: 0, sums: {} };
        }
        onProgress?.({ imagesSeen: progress.imagesSeen, images: options.images, losses });
      }

      if (progress.imagesSeen >= Math.min(snapshotAt, options.images)) {
        await saveSnapshot(run, gan, await engine.readState());
        await preview();
        const durationMs = performance.now() - start;
        const imagesPerSecond = ((progress.imagesSeen - begunAt) / durationMs) * 1000;
        await run.timing.append({
          imagesSeen: progress.imagesSeen,
          durationMs,
          imagesPerSecond,
          engine: engine.description,
        });
        // Last, so that a run killed before it goes on from an earlier state and writes the snapshot again.
        await save();
      } else if (performance.now() - savedAt > STATE_EVERY_MS) {
        await save();
      }
      // A native session works inside this turn of the event loop: let signals be heard.
      await new Promise((resolve) => setImmediate(resolve));
    }
    if (signal?.aborted) {
      await saveSnapshot(run, gan, await engine.readState());
      await save();
    }
    const durationMs = performance.now() - start;
    return {
      imagesSeen: progress.imagesSeen,
      finished: progress.imagesSeen >= options.images,
      statePath: saved,
      durationMs,
      busyShare: durationMs > 0 ? engine.busyMs / durationMs : 0,
    };
  } finally {
    await engine.dispose();
  }
}
