/**
 * The sections of the check: which devices open, parity of sampling, parity of training. Each gives a line for
 * everything that it should have looked at; what could not run is a SKIP with its reason.
 */
import { findCudaProvider } from '../../src/cli/cuda-provider.js';
import type { ParityRow } from '../../src/measure/index.js';
import { keepTraining, type Precision, type TrainingPrecision } from './options.js';
import { PLACES, type Place, referenceOf, titleOf } from './places.js';
import { emptyRow, type Row, remarkOf } from './rows.js';
import { runJob } from './run-job.js';
import { SMALL_SUBJECTS, STEPS, TOLERANCE, type TrainingDifference } from './training.js';

/** Each place, and why it cannot be used; undefined where it can. */
export type Usable = ReadonlyMap<Place, string | undefined>;

/** What makes NVIDIA's libraries, ONNX Runtime's and PyTorch's alike, multiply as they should. */
export const ENVIRONMENTS: Readonly<Record<Precision, Readonly<Record<string, string | undefined>>>> = {
  float32: { NVIDIA_TF32_OVERRIDE: '0' },
  tf32: { NVIDIA_TF32_OVERRIDE: undefined, TORCH_ALLOW_TF32_CUBLAS_OVERRIDE: '1' },
  float16: { NVIDIA_TF32_OVERRIDE: undefined },
};

/** Without TF32 nothing but rounding is left of the difference: what src/measure allows a CPU. */
const CUDA_FLOAT32_TOLERANCE = 1e-5;

/** What the runtime does not say itself. */
async function explain(reason: string, { engine, device }: Place): Promise<string> {
  if (engine !== 'onnxruntime' || device !== 'cuda') return reason;
  const { present, missing } = await findCudaProvider();
  if (!present || missing.length === 0) return reason;
  return `${reason} Not found: ${missing.join(', ')}.`;
}

/** Tries every place. */
export async function checkDevices(): Promise<{ usable: Usable; rows: Row[] }> {
  const usable = new Map<Place, string | undefined>();
  const rows: Row[] = [];
  for (const place of PLACES) {
    const ending = await runJob('probe', { place });
    const probe = 'result' in ending ? ending.result : { ok: false as const, reason: ending.failure };
    if (probe.ok) {
      usable.set(place, undefined);
      rows.push({ ...emptyRow('PASS', titleOf(place), ''), measured: probe.detail ?? 'opens' });
    } else {
      const reason = await explain(probe.reason, place);
      usable.set(place, reason);
      rows.push(emptyRow('SKIP', titleOf(place), reason));
    }
  }
  return { usable, rows };
}

/** What later tables say of a place that cannot be used; the first one has the reason. */
export const NOT_OPEN = 'It does not open: see the first table.';

/** A place and a precision. */
export interface Case<P extends Precision = Precision> {
  readonly place: Place;
  readonly precision: P;
  readonly title: string;
  readonly isOpen: boolean;
}

/** Pairs of a place and a precision that are of interest, those of TF32 on CUDA alone. */
export function listCases<P extends Precision>(
  usable: Usable,
  precisions: readonly P[],
): Case<P | 'float32'>[] {
  return [...usable].flatMap(([place, reason]) => {
    const isCuda = place.device === 'cuda';
    const halves = precisions.filter((one) => one === 'float16');
    const own: readonly (P | 'float32')[] = isCuda ? precisions : ['float32', ...halves];
    return own.map((precision) => {
      const title = isCuda || precision === 'float16' ? `${titleOf(place)}, ${precision}` : titleOf(place);
      return { place, precision, title, isOpen: reason === undefined };
    });
  });
}

/** `1.9e-6`, or `1 levels` of 8 bits where levels are compared; `-` where nothing was. */
function formatDifference({ unit, maxDifference, maxLevels }: ParityRow): string {
  if (unit === 'level') return maxLevels === undefined ? '-' : `${maxLevels} levels`;
  return maxDifference?.toExponential(1) ?? '-';
}

/** The line for a device that was compared. It has opened a moment ago, and may lack half precision all the same. */
function describeParity(what: string, row: ParityRow): Row {
  const { status, unit, tolerance, reason: remark = '' } = row;
  return {
    status: status === 'SKIP' && unit === 'value' ? 'FAIL' : status,
    what,
    measured: formatDifference(row),
    allowed: unit === 'level' ? `${tolerance} levels` : tolerance.toExponential(0),
    remark: remarkOf(remark),
  };
}

/** Draws on every usable device of ONNX Runtime and compares with the live network. */
export async function checkSampling(usable: Usable, precisions: readonly Precision[]): Promise<Row[]> {
  const rows: Row[] = [];
  for (const { place, precision, title, isOpen } of listCases(usable, precisions)) {
    if (place.engine !== 'onnxruntime') continue;
    if (!isOpen) {
      rows.push(emptyRow('SKIP', title, NOT_OPEN));
      continue;
    }
    const { device } = place;
    const isExact = device === 'cuda' && precision === 'float32';
    const dtype = precision === 'float16' ? 'float16' : 'float32';
    const given = { device, dtype, ...(isExact ? { tolerance: CUDA_FLOAT32_TOLERANCE } : {}) } as const;
    const ending = await runJob('sampling', given, ENVIRONMENTS[precision]);
    if ('failure' in ending) {
      rows.push(emptyRow('FAIL', title, ending.failure));
      continue;
    }
    rows.push(describeParity(title, ending.result));
  }
  return rows;
}

/** What is to say of a training besides its difference. */
function describeTraining({ tensor, loss, onCpu, copies }: TrainingDifference): string {
  const elsewhere = Object.entries(onCpu).map(([op, runs]) => `${op} ${formatCount(runs)}`);
  return [
    `most in ${tensor}`,
    `losses by ${loss.toExponential(1)}`,
    ...(elsewhere.length > 0 ? [`on the CPU, a step: ${elsewhere.join(', ')}`] : []),
    ...(copies > 0 ? [`copies between host and device, a step: ${formatCount(copies)}`] : []),
  ].join('; ');
}

function formatCount(perStep: number): string {
  return perStep < 1 ? perStep.toFixed(2) : perStep.toFixed(0);
}

function judge(difference: TrainingDifference, precision: TrainingPrecision): Row['status'] {
  // TF32 drops 13 bits of each factor: that is told, and not judged.
  if (precision === 'tf32') return 'TOLD';
  const { largest, loss, moved } = difference;
  return largest <= TOLERANCE && loss <= TOLERANCE && moved > 10 * TOLERANCE ? 'PASS' : 'FAIL';
}

/** Trains small networks on every usable place and on its reference. */
export async function checkTraining(usable: Usable, precisions: readonly Precision[]): Promise<Row[]> {
  const rows: Row[] = [];
  for (const { place, precision, title, isOpen } of listCases(usable, keepTraining(precisions))) {
    for (const model of Object.keys(SMALL_SUBJECTS)) {
      const what = `${model}: ${title}`;
      if (!isOpen) {
        rows.push(emptyRow('SKIP', what, NOT_OPEN));
        continue;
      }
      const ending = await runJob('training', { model, place }, ENVIRONMENTS[precision]);
      if ('failure' in ending) {
        rows.push(emptyRow('FAIL', what, ending.failure));
        continue;
      }
      rows.push({
        status: judge(ending.result, precision),
        what: `${what}, against ${titleOf(referenceOf(place))}`,
        measured: ending.result.largest.toExponential(1),
        allowed: precision === 'tf32' ? '-' : TOLERANCE.toExponential(0),
        remark: describeTraining(ending.result),
      });
    }
  }
  return rows;
}

/**
 * The very first loss of every engine at full size, against the compiled step's on the CPU: later steps of a wide
 * network differ by chaos, and by then every kernel has run on its real shapes.
 *
 * @param losses by place's title; one that is missing could not train, although it opened
 */
export function judgeFirstLosses(
  losses: Readonly<Record<string, number>>,
  places: readonly Place[],
  subject: string,
  precision: TrainingPrecision,
): Row[] {
  const reference = losses[titleOf(PLACES[0]!)] ?? Number.NaN;
  return places.map((place) => {
    const title = titleOf(place);
    const what = `${subject}: ${title}, ${precision}`;
    const loss = losses[title];
    if (loss === undefined) return emptyRow('FAIL', what, 'It could not train: see the notes of the table.');
    const difference = Math.abs(loss - reference) / Math.abs(reference);
    const isRight = difference <= TOLERANCE;
    return {
      status: precision === 'tf32' ? 'TOLD' : isRight ? 'PASS' : 'FAIL',
      what,
      measured: difference.toExponential(1),
      allowed: precision === 'tf32' ? '-' : TOLERANCE.toExponential(0),
      remark: `lossD ${loss}`,
    };
  });
}

export const TRAINING_TITLE = `Parity of ${STEPS} training steps, relative to each tensor's largest value`;
