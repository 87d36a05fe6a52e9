/** What an engine is: something that keeps the state of a training and moves it on, step by step. */
import type { FloatTensor, TensorMap } from '../../core/tensor.js';
import type { Losses } from '../step.js';

/** The state by name, as plain data in tfjs's own layouts. */
export type State = Record<string, FloatTensor>;

/** Runs one training's steps. */
export interface Engine {
  readonly name: string;
  /** Library, version and device that really run the step. */
  readonly description: string;
  /** Time spent inside the library since the start, in milliseconds. */
  readonly busyMs: number;
  /** How many steps one run should take: more cost less each, but nothing can be seen or saved between them. */
  readonly stepsPerRun: number;
  /** Some steps, one after the other: for each, every input of the step by name. */
  run(steps: readonly TensorMap[]): Promise<Losses[]>;
  /** Images of the averaged generator, [n, L] -> [n, H, W, C]; n is the same at every call. */
  draw(latents: FloatTensor): Promise<FloatTensor>;
  /** A copy of the state. */
  readState(): Promise<State>;
  dispose(): Promise<void>;
}

/** The averaged generator's weights as plain data: what a snapshot holds. */
export function averageWeights(state: State): Record<string, FloatTensor> {
  const prefix = 'ema/';
  return Object.fromEntries(
    Object.entries(state).flatMap(([name, tensor]) =>
      name.startsWith(prefix) ? [[name.slice(prefix.length), tensor]] : [],
    ),
  );
}
