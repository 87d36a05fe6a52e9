/** The options of the check, by which main.ts knows what to hand on to run-there.sh. */
import { expected } from '../../src/core/errors.js';
import { TRAIN_SUBJECTS } from '../workload.js';

export const CHECK_OPTIONS = {
  /** Some of the sections, by commas. */
  only: { type: 'string' },
  /** What the speed is measured on, by commas. */
  subjects: { type: 'string' },
  /** `float32`, `tf32` or both, by commas; on CUDA alone they differ. */
  precision: { type: 'string' },
  /** Turns of each contender. */
  repetitions: { type: 'string' },
  /** Devices whose SKIP is a FAIL, by commas. */
  require: { type: 'string' },
  /** Where the report goes as JSON. */
  json: { type: 'string' },
} as const;

export const SECTIONS = ['devices', 'sampling', 'training', 'speed'] as const;
export const PRECISIONS = ['float32', 'tf32'] as const;
export const DEVICES = ['cpu', 'webgpu', 'cuda'] as const;

/** How NVIDIA's libraries multiply float32: as it is, or rounded to 10 bits (TF32, the default since Ampere). */
export type Precision = (typeof PRECISIONS)[number];

/** What {@link CHECK_OPTIONS} say, checked. */
export interface CheckChoices {
  readonly sections: readonly string[];
  readonly subjects: readonly string[];
  readonly precisions: readonly Precision[];
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
  const { repetitions = '3' } = values;
  if (!(Number.isSafeInteger(Number(repetitions)) && Number(repetitions) > 0))
    throw expected('check:gpu', '--repetitions to be a whole number from 1', repetitions);
  return {
    sections: readSome('only', values.only, SECTIONS),
    subjects: readSome('subjects', values.subjects, Object.keys(TRAIN_SUBJECTS)),
    precisions: readSome('precision', values.precision, PRECISIONS),
    repetitions: Number(repetitions),
    require: values.require === undefined ? [] : readSome('require', values.require, DEVICES),
    json: values.json,
  };
}
