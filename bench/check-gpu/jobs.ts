/**
 * What the check does in processes of their own, one job each: a driver may write to any stream, hang, or take its
 * process with it, and CUDA's libraries read how to multiply from the environment. Types only.
 */
import type { GanErrorCode } from '../../src/core/errors.js';
import type { Probe } from '../../src/core/types.js';
import type { ParityRow } from '../../src/measure/index.js';
import type { TrainingPrecision } from './options.js';
import type { Place } from './places.js';
import type { Speed } from './speed.js';
import type { Rate } from './throughput.js';
import type { TrainingDifference } from './training.js';

/** Job -> what it is given and what it gives. */
export interface Jobs {
  probe: { given: { place: Place }; result: Probe };
  sampling: {
    given: { device: string; dtype: 'float32' | 'float16'; tolerance?: number };
    result: ParityRow;
  };
  /** Writes a generator's file and gives its size in bytes. */
  export: { given: { subject: string; dtype: 'float32' | 'float16'; path: string }; result: number };
  throughput: {
    given: { path: string; device: string; batches: readonly number[]; turns: number };
    result: readonly Rate[];
  };
  training: { given: { model: string; place: Place }; result: TrainingDifference };
  speed: {
    given: { subject: string; places: readonly Place[]; precision: TrainingPrecision; repetitions: number };
    result: Speed;
  };
}

/** How a job ended. */
export type Ending<T> = { readonly result: T } | { readonly failure: string; readonly code?: GanErrorCode };

/** The stream on which a job's process answers, in JSON; the others belong to libraries. */
export const ANSWER_STREAM = 3;
