/**
 * Trains the classifier on a session and writes it as an ONNX file that says how well it classifies. Seed and data
 * decide every bit of it on one machine. It knows no runtime: sessions are opened by whoever calls.
 */
import { freeBatch } from '../../exporters/free-batch.js';
import type { Graph } from '../../exporters/graph.js';
import { encodeModel, encodeProperties } from '../../exporters/model-proto.js';
import { foldConstants } from '../../exporters/passes/fold-constants.js';
import { foldTranspose } from '../../exporters/passes/fold-transpose.js';
import { removeUnused } from '../../exporters/passes/remove-unused.js';
import { outerName } from '../../exporters/step-loop.js';
import { trace } from '../../exporters/trace.js';
import { compileSteps, fromGraphLayout, toGraphLayout } from '../../exporters/training-step.js';
import { GanError } from '../core/errors.js';
import { type FloatTensor, plainTensor, sizeOf, type TensorMap } from '../core/tensor.js';
import type { Dataset, Session } from '../core/types.js';
import { type Lesson, type Lessons, planLessons } from './lessons.js';
import { buildClassifier, type Classifier, drawWeight, FEATURE_SIZE } from './network.js';
import { makeClassifierStep, OPTIMIZER } from './step.js';

const BATCH = 128;
/** Images shown: MNIST's digits are told apart in 98 of 100 cases by then. */
const IMAGES = 100_000;
const LEARNING_RATE = 2e-3;
const STEPS_PER_RUN = 25;

/** What the training of a feature network is handed. */
export interface FeatureTraining {
  readonly seed: number;
  /** Opens ONNX bytes on the device that shall train. */
  readonly openSession: (bytes: Uint8Array) => Promise<Session>;
  /** Images to show; some 100,000 when absent. */
  readonly images?: number;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((imagesSeen: number, images: number) => void) | undefined;
}

/** 0 to 255 -> 0 to 1. */
function toUnit(pixels: Uint8Array, out: Float32Array, at: number): void {
  for (let i = 0; i < pixels.length; i++) out[at + i] = pixels[i]! / 255;
}

/** The inputs of some steps, stacked. */
function stackFeeds(
  lessons: readonly Lesson[],
  { shape, classes }: Classifier,
  rates: readonly number[],
): TensorMap {
  const steps = lessons.length;
  const size = BATCH * sizeOf(shape);
  const images = new Float32Array(steps * size);
  const targets = new Float32Array(steps * BATCH * classes);
  lessons.forEach((lesson, step) => {
    toUnit(lesson.pixels, images, step * size);
    lesson.classes.forEach((label, i) => {
      targets[(step * BATCH + i) * classes + label] = 1;
    });
  });
  return {
    [outerName.feed('images')]: plainTensor(images, [steps, BATCH, ...shape]),
    [outerName.feed('targets')]: plainTensor(targets, [steps, BATCH, classes]),
    [outerName.feed('rate')]: plainTensor(Float32Array.from(rates), [steps]),
  };
}

/** Weights after the training, by name. */
async function learn(
  classifier: Classifier,
  lessons: Lessons,
  { seed, openSession, images = IMAGES, signal, onProgress }: FeatureTraining,
): Promise<Record<string, FloatTensor>> {
  const step = makeClassifierStep(classifier, BATCH);
  const compiled = compileSteps(step, 'products');
  const state: Record<string, FloatTensor> = {};
  for (const { name, shape, layout } of compiled.state) {
    const weight = classifier.weights.find((spec) => spec.name === name);
    const begin = weight ? drawWeight(weight, seed) : plainTensor(new Float32Array(sizeOf(shape)), shape);
    state[name] = toGraphLayout(begin, layout);
  }
  const session = await openSession(compiled.bytes);
  try {
    const steps = Math.ceil(images / BATCH);
    onProgress?.(0, steps * BATCH);
    for (let first = 0; first < steps; first += STEPS_PER_RUN) {
      signal?.throwIfAborted();
      const numbers = Array.from({ length: Math.min(STEPS_PER_RUN, steps - first) }, (_, i) => first + i);
      const drawn = await Promise.all(numbers.map((number) => lessons.draw(number * BATCH, BATCH)));
      const rates = numbers.map((number) => OPTIMIZER.rate(LEARNING_RATE * (1 - number / steps), number + 1));
      const feeds = stackFeeds(drawn, classifier, rates);
      for (const { name } of compiled.state) feeds[outerName.before(name)] = state[name]!;
      const results = await session.run(feeds);
      for (const { name } of compiled.state) {
        state[name] = results[outerName.after(name)] as FloatTensor;
      }
      onProgress?.((first + numbers.length) * BATCH, steps * BATCH);
    }
  } finally {
    await session.dispose();
  }
  return Object.fromEntries(
    compiled.state.map(({ name, shape, layout }) => [
      name,
      fromGraphLayout(state[name]!.data, shape, layout),
    ]),
  );
}

/** The classifier with its weights inside: `images` [batch, H, W, C] -> `features` [batch, D] and `logits`. */
function traceClassifier(classifier: Classifier, weights: Record<string, FloatTensor>): Graph {
  const constants = Object.fromEntries(classifier.weights.map(({ name }) => [name, weights[name]!]));
  const traceAt = (batch: number): Graph =>
    trace(
      ({ images }, own) => classifier.apply(images!, own),
      { images: { shape: [batch, ...classifier.shape], dtype: 'float32' } },
      { name: 'features', constants },
    );
  const graph = freeBatch(traceAt(2), traceAt(3));
  foldConstants(graph);
  foldTranspose(graph);
  removeUnused(graph);
  return graph;
}

/** How a file does on the held-out images. */
interface Examination {
  /** Share that it classifies rightly. */
  readonly accuracy: number;
  /** Root mean square of the features. */
  readonly magnitude: number;
}

async function examine(
  bytes: Uint8Array,
  { shape, classes }: Classifier,
  lessons: Lessons,
  { openSession, signal }: FeatureTraining,
): Promise<Examination> {
  const session = await openSession(bytes);
  try {
    let right = 0;
    let squares = 0;
    for (let start = 0; start < lessons.heldOut; start += BATCH) {
      signal?.throwIfAborted();
      const lesson = await lessons.drawHeldOut(start, BATCH);
      const images = new Float32Array(lesson.pixels.length);
      toUnit(lesson.pixels, images, 0);
      const count = lesson.classes.length;
      const { logits, features } = await session.run({ images: plainTensor(images, [count, ...shape]) });
      for (let i = 0; i < count; i++) {
        const row = logits!.data.subarray(i * classes, (i + 1) * classes);
        if (row.indexOf(Math.max(...row)) === lesson.classes[i]) right++;
      }
      for (const value of features!.data) squares += value * value;
    }
    const magnitude = Math.sqrt(squares / (lessons.heldOut * FEATURE_SIZE));
    return { accuracy: right / lessons.heldOut, magnitude };
  } finally {
    await session.dispose();
  }
}

/**
 * The same classifier with features of another size: a ReLU lets a factor pass, so that the layer before it may give
 * what the layer behind it takes back. KID's cubic kernel wants products of features around 1.
 */
function rescale(weights: Record<string, FloatTensor>, magnitude: number): Record<string, FloatTensor> {
  const factors: Readonly<Record<string, number>> = {
    'features/kernel': 1 / magnitude,
    'features/bias': 1 / magnitude,
    'classes/kernel': magnitude,
  };
  return Object.fromEntries(
    Object.entries(weights).map(([name, tensor]) => {
      const factor = factors[name] ?? 1;
      return [name, { ...tensor, data: tensor.data.map((value) => value * factor) }];
    }),
  );
}

/**
 * Trains features on a data set.
 *
 * @returns an ONNX file: pixels in [0, 1] to features whose mean square is 1; its metadata tell task, accuracy, data
 *          and seed
 * @throws GanError `BAD_ARGUMENT` for data that nothing can be learnt from, `DIVERGED` when nothing was learnt; the
 *         signal's reason when aborted
 */
export async function trainFeatures(data: Dataset, training: FeatureTraining): Promise<Uint8Array> {
  const lessons = planLessons(data, training.seed);
  const classifier = buildClassifier(data.shape, lessons.classes);
  const learnt = await learn(classifier, lessons, training);
  const encode = (weights: Record<string, FloatTensor>): Uint8Array =>
    encodeModel(traceClassifier(classifier, weights));
  const { magnitude } = await examine(encode(learnt), classifier, lessons, training);
  if (!(magnitude > 0 && magnitude < Number.POSITIVE_INFINITY)) {
    const message = `Expected features of some size, got \`${magnitude}\`. Name a network with --features.`;
    throw new GanError('DIVERGED', 'features', message);
  }
  const model = encode(rescale(learnt, magnitude));
  const { accuracy } = await examine(model, classifier, lessons, training);
  const properties = encodeProperties({
    'ganx.features.version': '1',
    'ganx.features.task': lessons.task,
    'ganx.features.classes': String(lessons.classes),
    'ganx.features.accuracy': String(accuracy),
    'ganx.features.held_out': String(lessons.heldOut),
    'ganx.features.seed': String(training.seed),
    'ganx.features.data_digest': data.digest,
  });
  const bytes = new Uint8Array(model.length + properties.length);
  bytes.set(model);
  bytes.set(properties, model.length);
  return bytes;
}
