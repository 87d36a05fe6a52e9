/**
 * What takes part in the training benchmark: something that makes steps when its turn comes and tells how long they
 * took. Here are ganx's own engines; PyTorch is in peer.ts. It takes no turns and prints nothing.
 */
import { onnxruntimeNode } from '../runtimes/onnxruntime-node.js';
import type { TensorMap } from '../src/core/tensor.js';
import type { Engine } from '../src/train/engines/engine.js';
import { openSessionEngine } from '../src/train/engines/session-engine.js';
import { openTensorflowEngine } from '../src/train/engines/tensorflow-engine.js';
import { openTfjsEngine } from '../src/train/engines/tfjs-engine.js';
import type { Workload } from './workload.js';

/** Some steps, timed. */
export interface Turn {
  /** How many; at least as many as asked for. */
  readonly steps: number;
  readonly wallMs: number;
  /** Work of all cores for this turn. */
  readonly cpuMs: number;
  /** The part of it outside the engine's library, where the two can be told apart. */
  readonly hostMs?: number;
  /** Of the last step. */
  readonly lossD: number;
}

/** Somebody who trains the workload. */
export interface Contender {
  /** Library, version and device, or what a trial chose. */
  readonly description: string;
  /** Of the very first step. */
  readonly firstLossD: number;
  /** Makes at least so many steps: who makes several at a time does not stop amid them. */
  run(steps: number): Promise<Turn>;
  /** Milliseconds a step in each of the library's operators by itself, where it can say. */
  profile?(steps: number): Promise<Readonly<Record<string, number>>>;
  dispose(): Promise<void>;
}

/** Lets a contender run until it no longer makes more steps at a time than before. */
export async function warmUp(contender: Contender): Promise<void> {
  for (let before = 0; ; ) {
    const { steps } = await contender.run(1);
    if (steps <= before) return;
    before = steps;
  }
}

type Opener = (workload: Workload) => Promise<Engine>;

/** ganx's engines, by the name in the table; the one that the others are compared with comes first. */
export const ENGINES: Readonly<Record<string, Opener>> = {
  'ganx onnxruntime': ({ gan, step, begin }) =>
    openSessionEngine(gan, step, begin, (bytes) => onnxruntimeNode.open(bytes, { device: 'cpu' })),
  'ganx tensorflow': ({ gan, step, begin }) => openTensorflowEngine(gan, step, begin, 'cpu'),
  'ganx tfjs wasm': ({ gan, step, begin }) => openTfjsEngine(gan, step, begin, 'wasm'),
  'ganx tfjs cpu': ({ gan, step, begin }) => openTfjsEngine(gan, step, begin, 'cpu'),
};

/** Feeds of steps `from` to `from + count - 1`, made as a training run makes them. */
async function makeFeeds({ makeFeeds }: Workload, from: number, count: number): Promise<TensorMap[]> {
  const feeds: TensorMap[] = [];
  for (let i = from; i < from + count; i++) feeds.push(await makeFeeds(i));
  return feeds;
}

/** An engine as a contender; its first step has been made, which compiles and allocates. */
export async function enterEngine(open: Opener, workload: Workload): Promise<Contender> {
  const engine = await open(workload);
  let done = 0;
  const run = async (atLeast: number): Promise<Turn> => {
    const first = done;
    const busyBefore = engine.busyMs;
    const cpuBefore = process.cpuUsage();
    const start = performance.now();
    let lossD = Number.NaN;
    while (done < first + atLeast) {
      const feeds = await makeFeeds(workload, done, engine.stepsPerRun);
      lossD = (await engine.run(feeds)).at(-1)!.lossD;
      done += feeds.length;
    }
    const wallMs = performance.now() - start;
    const { user, system } = process.cpuUsage(cpuBefore);
    const hostMs = wallMs - (engine.busyMs - busyBefore);
    return { steps: done - first, wallMs, cpuMs: (user + system) / 1000, hostMs, lossD };
  };
  const { description } = engine;
  const dispose = () => engine.dispose();
  try {
    const { lossD: firstLossD } = await run(1);
    return { description, firstLossD, run, dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}
