/**
 * What a checkpoint is, as plain data: weights by name and the facts needed to use or resume them.
 * No bytes here (see format.ts) and no paths (see run-folder.ts).
 */
import type { PlainTensor } from '../core/tensor.js';
import type { GeneratorShape } from '../core/types.js';

/** A model's weights, or a whole training run, at one moment. */
export interface Checkpoint {
  /**
   * `snapshot`: the averaged (EMA) weights of the generator, to draw from.
   * `training-state`: everything a run needs to go on exactly as if it had never stopped.
   */
  readonly kind: 'snapshot' | 'training-state';
  /** Name in the list of models. */
  readonly model: string;
  /** What the model's `build(options)` was given; JSON values only. */
  readonly modelOptions: Readonly<Record<string, unknown>>;
  readonly shape: GeneratorShape;
  /** Training images shown to the discriminator so far, repeats counted. */
  readonly imagesSeen: number;
  /** Updates done so far. */
  readonly steps: number;
  /** The seed of the training run. */
  readonly seed: number;
  /** SHA-256 (hex) of the training data. */
  readonly dataDigest: string;
  /** Training state only: accumulators, byte length of the statistics and the like; JSON values only. */
  readonly progress?: Readonly<Record<string, unknown>>;
  /** By path: `generator/dense_1/kernel`, `adam/gradients/generator/dense_1/kernel`. */
  readonly tensors: Readonly<Record<string, PlainTensor>>;
}

/** A checkpoint and the file that it was read from. */
export interface FoundCheckpoint {
  readonly path: string;
  readonly checkpoint: Checkpoint;
  /** Newer files that could not be used, newest first. */
  readonly skipped: readonly SkippedFile[];
}

/** A file that was passed over, and why. */
export interface SkippedFile {
  readonly path: string;
  readonly reason: string;
}
