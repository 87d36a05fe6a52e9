/**
 * The compiled engine: the step is traced to ONNX once and runs on whatever session it is handed, several steps a
 * run. The state lies in two sets of buffers that take turns as a run's feeds and results.
 */
import type { Form } from '../../../exporters/form.js';
import { compileGeneratorWithState } from '../../../exporters/generator.js';
import { outerName } from '../../../exporters/step-loop.js';
import { compileSteps, fromGraphLayout, toGraphLayout } from '../../../exporters/training-step.js';
import type { Gan } from '../../../models/types.js';
import {
  allocate,
  type FloatTensor,
  type PlainTensor,
  plainTensor,
  sizeOf,
  type TensorMap,
} from '../../core/tensor.js';
import type { Session } from '../../core/types.js';
import { LOSS_NAMES, type Losses, type Step } from '../step.js';
import type { Engine, State } from './engine.js';

/** Opens ONNX bytes on the runtime and device that the caller chose. */
export type OpenSession = (bytes: Uint8Array) => Promise<Session>;

/** The form of the graphs on devices whose fastest is not the plain one (measured: bench/README.md). */
const FORMS: Readonly<Record<string, Form>> = { cpu: 'products' };

/**
 * How long one run should take. A run carries the whole state in and out once, so it should hold many steps; but
 * nothing is seen or saved until it ends. The number of steps in a run changes no result.
 */
const RUN_MS = 2500;
/** Where the state is large, a run may last so many times as long as carrying it: a border at a twentieth of the work. */
const BORDER_SHARE = 1 / 20;
/** What a run's border costs: the state leaves the loop, and onnxruntime-node copies it once more (measured: 0.7 to 2.6 GB/s). */
const BORDER_BYTES_PER_MS = 2e6;
const MOST_STEPS = 64;

/**
 * The same input of several steps, one after the other: [steps, …].
 *
 * @param used what the run before was fed, whose memory serves again where it has the same size: fresh memory must
 *             first be handed out by the system, page by page
 */
function stack(tensors: readonly PlainTensor[], used: PlainTensor | undefined): PlainTensor {
  const { shape, dtype } = tensors[0]!;
  const size = sizeOf(shape);
  const length = tensors.length * size;
  const data = used?.data.length === length ? used.data : allocate(dtype, length);
  tensors.forEach((tensor, i) => {
    data.set(tensor.data, i * size);
  });
  return { shape: [tensors.length, ...shape], dtype, data };
}

/**
 * @param state the state to begin with, by name
 * @param openSession opens a session for the step, and one for the preview of the generator
 * @param device where the sessions run, which decides the form of the graphs
 */
export async function openSessionEngine(
  gan: Gan,
  step: Step,
  state: State,
  openSession: OpenSession,
  device = 'cpu',
): Promise<Engine> {
  const form = FORMS[device] ?? 'operators';
  const compiled = compileSteps(step, form);
  const session = await openSession(compiled.bytes);
  let now: Record<string, FloatTensor> = {};
  let next: Record<string, FloatTensor> = {};
  for (const { name, layout } of compiled.state) {
    now[name] = toGraphLayout(state[name]!, layout);
    next[name] = plainTensor(new Float32Array(now[name].data.length), now[name].shape);
  }
  const stateBytes = Object.values(now).reduce((sum, { data }) => sum + data.byteLength, 0);
  const runMs = Math.max(RUN_MS, stateBytes / BORDER_BYTES_PER_MS / BORDER_SHARE);
  const fed: TensorMap = {};
  let preview: { session: Session; count: number } | undefined;
  let busyMs = 0;
  let stepsPerRun = 1;

  const openPreview = async (count: number): Promise<Session> => {
    if (preview?.count === count) return preview.session;
    await preview?.session.dispose();
    preview = { session: await openSession(compileGeneratorWithState(gan, count, form)), count };
    return preview.session;
  };

  return {
    name: 'onnxruntime',
    description: `${session.runtime} ${session.version} on ${session.device}`,
    get stepsPerRun() {
      return stepsPerRun;
    },
    get busyMs() {
      return busyMs;
    },
    async run(steps) {
      const feeds: TensorMap = {};
      const into: TensorMap = {};
      for (const name of Object.keys(step.inputs)) {
        const feed = outerName.feed(name);
        feeds[feed] = stack(
          steps.map((inputs) => inputs[name]!),
          fed[feed],
        );
        fed[feed] = feeds[feed];
      }
      for (const { name } of compiled.state) {
        feeds[outerName.before(name)] = now[name]!;
        into[outerName.after(name)] = next[name]!;
      }
      const start = performance.now();
      const results = await session.run(feeds, into);
      const durationMs = performance.now() - start;
      busyMs += durationMs;
      const wanted = Math.round(runMs / (durationMs / steps.length));
      stepsPerRun = Math.min(Math.max(wanted, 1), MOST_STEPS, 2 * steps.length);
      [now, next] = [next, now];
      const lossOf = (name: string, i: number): number => results[outerName.loss(name)]!.data[i]!;
      return steps.map(
        (_, i) => Object.fromEntries(LOSS_NAMES.map((name) => [name, lossOf(name, i)])) as Losses,
      );
    },
    async draw(latents) {
      const generator = await openPreview(latents.shape[0]!);
      const feeds: TensorMap = { latents };
      for (const { name } of generator.inputs) if (name !== 'latents') feeds[name] = now[name]!;
      return (await generator.run(feeds)).images as FloatTensor;
    },
    async readState() {
      return Object.fromEntries(
        compiled.state.map(({ name, shape, layout }) => [
          name,
          fromGraphLayout(now[name]!.data, shape, layout),
        ]),
      );
    },
    async dispose() {
      await session.dispose();
      await preview?.session.dispose();
    },
  };
}
