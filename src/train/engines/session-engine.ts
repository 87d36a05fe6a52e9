/**
 * The compiled engine: the step is traced to ONNX once and runs on whatever session it is handed.
 * The state lies in two sets of buffers that take turns as a run's feeds and results, so that it is never copied.
 */

import { compileGeneratorWithState } from '../../../exporters/generator.js';
import { compileStep, fromGraphLayout, toGraphLayout } from '../../../exporters/training-step.js';
import type { Gan } from '../../../models/types.js';
import { type FloatTensor, plainTensor, type TensorMap } from '../../core/tensor.js';
import type { Session } from '../../core/types.js';
import { LOSS_NAMES, type Losses, type Step } from '../step.js';
import type { Engine, State } from './engine.js';

/** Opens ONNX bytes on the runtime and device that the caller chose. */
export type OpenSession = (bytes: Uint8Array) => Promise<Session>;

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
  const compiled = compileStep(step);
  const session = await openSession(compiled.bytes);
  let now: TensorMap = {};
  let next: TensorMap = {};
  for (const { name } of compiled.state) {
    now[name] = toGraphLayout(state[name]!);
    next[name] = plainTensor(new Float32Array(now[name].data.length), now[name].shape);
  }
  const losses: TensorMap = Object.fromEntries(
    LOSS_NAMES.map((name) => [name, plainTensor(new Float32Array(1), [])]),
  );
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
    get busyMs() {
      return busyMs;
    },
    async step(inputs) {
      const into: TensorMap = { ...losses };
      for (const entry of compiled.state) into[entry.next] = next[entry.name]!;
      const start = performance.now();
      await session.run({ ...now, ...inputs }, into);
      busyMs += performance.now() - start;
      [now, next] = [next, now];
      return Object.fromEntries(LOSS_NAMES.map((name) => [name, losses[name]!.data[0]!])) as Losses;
    },
    async draw(latents) {
      const generator = await openPreview(latents.shape[0]!);
      const feeds: TensorMap = { latents };
      for (const { name } of generator.inputs) if (name !== 'latents') feeds[name] = now[name]!;
      return (await generator.run(feeds)).images as FloatTensor;
    },
    async readState() {
      return Object.fromEntries(
        compiled.state.map(({ name, shape }) => [
          name,
          fromGraphLayout(now[name]!.data as Float32Array, shape),
        ]),
      );
    },
    async dispose() {
      await session.dispose();
      await preview?.session.dispose();
    },
  };
}
