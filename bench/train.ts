/**
 * Milliseconds per training step: the compiled engine against the same step run eagerly by TensorFlow.js.
 * All engines take turns in one process on the same feeds, so that whatever slows the machine slows all of them.
 */
import { onnxruntimeNode } from '../runtimes/onnxruntime-node.js';
import { messageOf } from '../src/core/errors.js';
import type { TensorMap } from '../src/core/tensor.js';
import type { Engine } from '../src/train/engines/engine.js';
import { openSessionEngine } from '../src/train/engines/session-engine.js';
import { openTfjsEngine } from '../src/train/engines/tfjs-engine.js';
import { formatNumber, median, type Report } from './report.js';
import { prepareWorkload, type Subject, type Workload } from './workload.js';

/** A repetition lasts about this long, so that fast engines average over several steps. */
const REPETITION_MS = 1500;
/** An engine whose first step takes longer than this is timed by that step alone: warming up hardly shows in it. */
const SLOW_STEP_MS = 5000;

const ENGINES: Readonly<Record<string, (workload: Workload) => Promise<Engine>>> = {
  'onnxruntime cpu': ({ gan, step, begin }) =>
    openSessionEngine(gan, step, begin, (bytes) => onnxruntimeNode.open(bytes, { device: 'cpu' })),
  'tfjs wasm': ({ gan, step, begin }) => openTfjsEngine(gan, step, begin, 'wasm'),
  'tfjs cpu (pure JS)': ({ gan, step, begin }) => openTfjsEngine(gan, step, begin, 'cpu'),
};

/** One engine at work, and what was measured of it, in milliseconds per step. */
interface Contender {
  readonly name: string;
  readonly engine: Engine;
  readonly firstLoss: number;
  readonly stepsPerRepetition: number;
  readonly repetitions: number;
  done: number;
  readonly wallMs: number[];
  readonly hostMs: number[];
}

/** Times one repetition and gives the last step's loss of D. */
async function repeat(contender: Contender, workload: Workload): Promise<number> {
  const { engine, stepsPerRepetition } = contender;
  const busyBefore = engine.busyMs;
  const start = performance.now();
  let loss = Number.NaN;
  for (let left = stepsPerRepetition; left > 0; ) {
    const feeds: TensorMap[] = [];
    for (let i = Math.min(left, engine.stepsPerRun); i > 0; i--) {
      feeds.push(await workload.makeFeeds(contender.done++));
    }
    loss = (await engine.run(feeds)).at(-1)!.lossD;
    left -= feeds.length;
  }
  const wallMs = performance.now() - start;
  contender.wallMs.push(wallMs / stepsPerRepetition);
  contender.hostMs.push((wallMs - (engine.busyMs - busyBefore)) / stepsPerRepetition);
  return loss;
}

async function open(name: string, workload: Workload, repetitions: number): Promise<Contender> {
  const engine = await ENGINES[name]!(workload);
  try {
    const contender = { name, engine, firstLoss: 0, stepsPerRepetition: 1, repetitions, done: 0 };
    const trial: Contender = { ...contender, wallMs: [], hostMs: [] };
    const firstLoss = await repeat(trial, workload); // compiles and allocates on its way
    if (trial.wallMs[0]! > SLOW_STEP_MS) return { ...trial, firstLoss, repetitions: 0 };
    await repeat(trial, workload);
    const stepsPerRepetition = Math.max(1, Math.round(REPETITION_MS / trial.wallMs[1]!));
    return { ...trial, firstLoss, stepsPerRepetition, wallMs: [], hostMs: [] };
  } catch (error) {
    await engine.dispose();
    throw error;
  }
}

/** Times one subject on all engines; an engine that cannot train it has its own words in the table. */
export async function benchTrain(subject: Subject, repetitions: number): Promise<Report> {
  const workload = await prepareWorkload(subject);
  const contenders: Contender[] = [];
  const failures: { name: string; reason: string }[] = [];
  try {
    for (const name of Object.keys(ENGINES)) {
      try {
        contenders.push(await open(name, workload, repetitions));
      } catch (error) {
        failures.push({ name, reason: messageOf(error) });
      }
    }
    for (let round = 0; round < repetitions; round++) {
      for (const contender of contenders)
        if (round < contender.repetitions) await repeat(contender, workload);
    }
  } finally {
    for (const { engine } of contenders) await engine.dispose();
    await workload.close();
  }
  return makeReport(subject, contenders, failures);
}

function makeReport(
  subject: Subject,
  contenders: readonly Contender[],
  failures: readonly { name: string; reason: string }[],
): Report {
  const results = contenders.map(({ name, engine, wallMs, hostMs, stepsPerRepetition, firstLoss }) => {
    const ms = median(wallMs);
    const host = median(hostMs);
    return {
      engine: name,
      description: engine.description,
      msPerStep: ms,
      imagesPerSecond: (subject.batch / ms) * 1000,
      hostMs: host,
      hostShare: host / ms,
      steps: stepsPerRepetition * wallMs.length,
      firstLoss,
      repetitionsMs: wallMs,
    };
  });
  const reference = results.find(({ engine }) => engine === 'onnxruntime cpu');
  const rows = results.map((result) => [
    result.engine,
    formatNumber(result.msPerStep),
    reference ? formatNumber(result.msPerStep / reference.msPerStep) : '-',
    formatNumber(result.imagesPerSecond),
    `${formatNumber(result.hostMs)} (${(result.hostShare * 100).toFixed(1)} %)`,
    String(result.steps),
    result.firstLoss.toFixed(5),
  ]);
  rows.push(...failures.map(({ name }) => [name, 'cannot', '-', '-', '-', '-', '-']));
  return {
    title: `Training step: ${subject.title}`,
    head: ['engine', 'ms/step', 'times onnxruntime', 'images/s', 'host ms (share)', 'steps', 'first lossD'],
    rows,
    notes: failures.map(({ name, reason }) => `${name}: ${reason}`),
    numbers: { subject: subject.title, results, failures },
  };
}
