/**
 * Parity of training: 25 steps from one beginning, on a place and on its reference, then every weight, optimizer slot
 * and moving average compared; and what of the step did not run where it should.
 */
import { expected } from '../../src/core/errors.js';
import type { Engine, State } from '../../src/train/engines/engine.js';
import { LOSS_NAMES } from '../../src/train/step.js';
import { withProfile } from '../kernel-profile.js';
import { dcganOf, prepareWorkload, type Subject, type Workload } from '../workload.js';
import { openPlace, type Place, referenceOf } from './places.js';

export const STEPS = 25;
/** Steps of one run, after a first run of one: the state has to come through both. */
const STEPS_PER_RUN = 6;
/**
 * Largest difference of a tensor relative to its largest value; test/training-parity.test.ts says why it is not smaller.
 * The networks are narrow on purpose: training a wide one is chaotic, and a last bit grows within a few steps.
 */
export const TOLERANCE = 1e-4;

const BATCH = 6;
export const SMALL_SUBJECTS: Readonly<Record<string, Subject>> = {
  mlp: {
    title: 'MLP, width 40',
    model: 'mlp',
    build: { imageShape: [28, 28, 1], width: 40 },
    batch: BATCH,
  },
  dcgan: dcganOf(4, BATCH),
};

/** How far a place came from its reference. */
export interface TrainingDifference {
  /** Relative to the largest value of the same tensor. */
  readonly largest: number;
  readonly tensor: string;
  /** Absolute, of any loss of any step. */
  readonly loss: number;
  /** Largest relative change of a tensor since the beginning, by which the others are to be measured. */
  readonly moved: number;
  /** ONNX Runtime's operators that ran on the CPU although the device is another one, with their runs a step. */
  readonly onCpu: Readonly<Record<string, number>>;
  /** Copies a step between the device and the host inside the step. */
  readonly copies: number;
}

/** max |a − b| / max |b|; NaN where either holds one. */
function relativeDifference(a: Float32Array, b: Float32Array): number {
  const largest = b.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const gap = b.reduce((most, value, i) => Math.max(most, Math.abs(value - a[i]!)), 0);
  return gap === 0 ? 0 : gap / largest;
}

async function trainOn(
  engine: Engine,
  workload: Workload,
  steps: number,
): Promise<{ losses: number[]; state: State }> {
  const losses: number[] = [];
  for (let done = 0; done < steps; ) {
    const count = done === 0 ? 1 : Math.min(STEPS_PER_RUN, steps - done);
    const feeds = [];
    for (let i = 0; i < count; i++) feeds.push(await workload.makeFeeds(done + i));
    for (const loss of await engine.run(feeds)) losses.push(...LOSS_NAMES.map((name) => loss[name]));
    done += count;
  }
  return { losses, state: await engine.readState() };
}

async function trainAt(place: Place, workload: Workload, steps: number, profile?: string) {
  const engine = await openPlace(place, workload, profile);
  try {
    return await trainOn(engine, workload, steps);
  } finally {
    await engine.dispose();
  }
}

/** The same, and which operators the runtime itself put on the CPU. */
async function trainWatched(place: Place, workload: Workload, steps: number) {
  if (place.engine !== 'onnxruntime' || place.device === 'cpu')
    return { ...(await trainAt(place, workload, steps)), onCpu: {}, copies: 0 };
  const { result, kernels } = await withProfile((prefix) => trainAt(place, workload, steps, prefix));
  const onCpu: Record<string, number> = {};
  let copies = 0;
  for (const { op, provider } of kernels) {
    if (op.startsWith('Memcpy')) copies += 1 / steps;
    else if (provider === 'CPUExecutionProvider') onCpu[op] = (onCpu[op] ?? 0) + 1 / steps;
  }
  return { ...result, onCpu, copies };
}

/** NaN, which no bound lets pass, as soon as one is among them. */
function largestOf(values: readonly number[]): number {
  return values.reduce((most, value) => Math.max(most, value), 0);
}

/**
 * Trains one of {@link SMALL_SUBJECTS} twice and compares.
 *
 * @param steps of each; more than one, so that the state comes through two runs
 * @throws GanError `RUNTIME_UNAVAILABLE` where the place cannot be used
 */
export async function compareTraining(
  name: string,
  place: Place,
  steps = STEPS,
): Promise<TrainingDifference> {
  const subject = SMALL_SUBJECTS[name];
  if (!subject) throw expected('check:gpu', `one of ${Object.keys(SMALL_SUBJECTS).join(', ')}`, name);
  const workload = await prepareWorkload(subject);
  try {
    const { losses, state, onCpu, copies } = await trainWatched(place, workload, steps);
    const reference = await trainAt(referenceOf(place), workload, steps);
    const differences = Object.entries(reference.state).map(([tensor, { data }]) => ({
      tensor,
      difference: relativeDifference(state[tensor]!.data, data),
      moved: relativeDifference(workload.begin[tensor]!.data, data),
    }));
    const largest = largestOf(differences.map(({ difference }) => difference));
    return {
      largest,
      tensor: differences.find(({ difference }) => Object.is(difference, largest))?.tensor ?? '',
      loss: largestOf(reference.losses.map((loss, i) => Math.abs(loss - losses[i]!))),
      moved: largestOf(differences.map(({ moved }) => moved)),
      onCpu,
      copies,
    };
  } finally {
    await workload.close();
  }
}
