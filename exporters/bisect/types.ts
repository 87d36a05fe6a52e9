/**
 * What bisecting takes and gives. Types only; nothing here has behaviour.
 */
import type { FloatTensor, TensorMap } from '../../src/core/tensor.js';
import type { Session } from '../../src/core/types.js';

/** One of the two that disagree: a file, and what runs it or a piece of it. */
export interface Side {
  readonly bytes: Uint8Array;
  open(bytes: Uint8Array): Promise<Session>;
}

/** What ran a side. */
export interface Engine {
  readonly runtime: string;
  readonly device: string;
  readonly version: string;
  readonly engine?: string;
}

/** Options of `bisectDivergence`. */
export interface BisectOptions {
  /** Largest |a − b| that is still right, of values up to 1; of larger ones in proportion. 1e-4 when absent. */
  readonly tolerance?: number;
}

/** The node where two sides part, and the smallest model found that shows it. */
export interface Divergence {
  /** Name of the node in the candidate's file. */
  readonly node: string;
  readonly operator: string;
  /** The result of the node that is off. */
  readonly tensor: string;
  /** Largest |expected − got| of that result; infinite where only one is a number, or where there is none. */
  readonly maxDifference: number;
  /** Index of the value that is off most; empty where the shapes differ or the candidate failed. */
  readonly at: readonly number[];
  /** The two values there; NaN where there are none. */
  readonly expected: number;
  readonly got: number;
  /** How it was found, in a sentence or two. */
  readonly note: string;
  readonly tolerance: number;
  readonly reference: Engine;
  /** Undefined where the candidate opened nothing. */
  readonly candidate: Engine | undefined;
  /** Names of the nodes of `model`, in order. */
  readonly nodes: readonly string[];
  /** The smallest model that shows the difference: a whole .onnx file. */
  readonly model: Uint8Array;
  /** What to feed it. */
  readonly feeds: TensorMap;
  /** The output of `model` that is off. */
  readonly output: string;
  /** What the reference computed for it. */
  readonly expectedOutput: FloatTensor;
}
