/** The options of the check, by which main.ts knows what to hand on to run-there.sh. */
import { expected } from '../../src/core/errors.js';
import { TRAIN_SUBJECTS } from '../workload.js';

export const CHECK_OPTIONS = {
  /** Some of the sections, by commas. */
  only: { type: 'string' },
  /** What the speeds are measured on, by commas. */
  subjects: { type: 'string' },
  /** Some of `float32`, `tf32` (on CUDA alone it differs) and `float16` (files in half precision, sampling alone). */
  precision: { type: 'string' },
  /** Images in one run of sampling whose speed is measured, by commas. */
  batches: { type: 'string' },
  /** Turns of each contender. */
  repetitions: { type: 'string' },
  /** Devices whose SKIP is a FAIL, by commas. */
  require: { type: 'string' },
  /** Where the report goes as JSON. */
  json: { type: 'string' },
} as const;

export const SECTIONS = ['devices', 'sampling', 'throughput', 'training', 'speed'] as const;
export const PRECISIONS = ['float32', 'tf32', 'float16'] as const;
const BATCHES = '1,8,64,256';
export const DEVICES = ['cpu', 'webgpu', 'cuda'] as const;

/**
 * How numbers are multiplied: float32 as it is, or by NVIDIA's libraries rounded to 10 bits (TF32, the default since
 * Ampere), or float16 in a file of half precision.
 */
export type Precision = (typeof PRECISIONS)[number];

/** Training is in float32; no step is traced in half precision. */
export type TrainingPrecision = Exclude<Precision, 'float16'>;

/** Those of some precisions in which a step can be trained. */
export function keepTraining(precisions: readonly Precision[]): TrainingPrecision[] {
  return precisions.filter((one) => one !== 'float16');
}

/** What {@link CHECK_OPTIONS} say, checked. */
export interface CheckChoices {
  readonly sections: readonly string[];
  readonly subjects: readonly string[];
  readonly precisions: readonly Precision[];
  /** Rising. */
  readonly batches: readonly number[];
  readonly repetitions: number;
  readonly require: readonly string[];
  readonly json: string | undefined;
}

function readSome<T extends string>(name: string, text: string | undefined, known: readonly T[]): T[] {
  if (text === undefined) return [...known];
  const given = text.split(',');
  const unknown = given.find((one) => !known.some((other) => other === one));
  if (unknown !== undefined)
    throw expected('check:gpu', `--${name} with some of ${known.join(', ')}`, unknown);
  return known.filter((one) => given.includes(one));
}

/** @throws GanError `BAD_ARGUMENT` for a value that is not among the known ones */
export function readChoices(
  values: Readonly<Partial<Record<keyof typeof CHECK_OPTIONS, string>>>,
): CheckChoices {
  const readNatural = (name: string, text: string): number => {
    if (Number.isSafeInteger(Number(text)) && Number(text) > 0) return Number(text);
    throw expected('check:gpu', `--${name} to be a whole number from 1`, text);
  };
  const { repetitions = '3', batches = BATCHES } = values;
  return {
    sections: readSome('only', values.only, SECTIONS),
    subjects: readSome('subjects', values.subjects, Object.keys(TRAIN_SUBJECTS)),
    precisions: readSome('precision', values.precision, PRECISIONS),
    batches: [...new Set(batches.split(',').map((text) => readNatural('batches', text)))].sort(
      (a, b) => a - b,
    ),
    repetitions: readNatural('repetitions', repetitions),
    require: values.require === undefined ? [] : readSome('require', values.require, DEVICES),
    json: values.json,
  };
}
