/**
 * The compiled engine: the step is traced to ONNX once and runs on whatever session it is handed, several steps a
 * run. The state lies in two sets of buffers that take turns as a run's feeds and results.
 */
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

/** The same input of several steps, one after the other: [steps, …]. */
function stack(tensors: readonly PlainTensor[]): PlainTensor {
  const { shape, dtype } = tensors[0]!;
  const size = sizeOf(shape);
  const data = allocate(dtype, tensors.length * size);
  tensors.forEach((tensor, i) => {
    data.set(tensor.data, i * size);
  });
  return { shape: [tensors.length, ...shape], dtype, data };
}

/**
 * @param state the state to begin with, by name
 * @param openSession opens a session for the step, and one for the preview of the generator
 */
export async function openSessionEngine(
  gan: Gan,
  step: Step,
  state: State,
  openSession: OpenSession,
): Promise<Engine> {
  const compiled = compileSteps(step);
  const session = await openSession(compiled.bytes);
  let now: Record<string, FloatTensor> = {};
  let next: Record<string, FloatTensor> = {};
  for (const { name } of compiled.state) {
    now[name] = toGraphLayout(state[name]!);
    next[name] = plainTensor(new Float32Array(now[name].data.length), now[name].shape);
  }
  let preview: { session: Session; count: number } | undefined;
  let busyMs = 0;

  const openPreview = async (count: number): Promise<Session> => {
    if (preview?.count === count) return preview.session;
    await preview?.session.dispose();
    preview = { session: await openSession(compileGeneratorWithState(gan, count)), count };
    return preview.session;
  };

  return {
    name: 'onnxruntime',
    description: `${session.runtime} ${session.version} on ${session.device}`,
    stepsPerRun: 8,
    get busyMs() {
      return busyMs;
    },
    async run(steps) {
      const feeds: TensorMap = {};
      const into: TensorMap = {};
      for (const name of Object.keys(step.inputs)) {
        feeds[outerName.feed(name)] = stack(steps.map((inputs) => inputs[name]!));
      }
      for (const { name } of compiled.state) {
        feeds[outerName.before(name)] = now[name]!;
        into[outerName.after(name)] = next[name]!;
      }
      const start = performance.now();
      const results = await session.run(feeds, into);
      busyMs += performance.now() - start;
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
        compiled.state.map(({ name, shape }) => [name, fromGraphLayout(now[name]!.data, shape)]),
      );
    },
    async dispose() {
      await session.dispose();
      await preview?.session.dispose();
    },
  };
}
