/**
 * Everything that defines a training run, as it stands in the run folder's options.json.
 * Two runs with equal options, data and engine give equal bytes.
 */
import { z } from 'zod';
import { findModel } from '../../models/index.js';
import type { BuildOptions } from '../../models/types.js';
import { expected, GanError } from '../core/errors.js';
import type { Dataset } from '../core/types.js';
import { engineNames } from './engines/table.js';
import { adam, momentum, type Optimizer } from './optimizers.js';

const natural = z.int().min(1);
const size = z.number().positive();

const MODEL_OPTIONS = z.strictObject({
  imageShape: z.tuple([natural, natural, natural]),
  kind: z.enum(['images', 'points']),
  latentSize: natural.optional(),
  latentDistribution: z.enum(['normal', 'uniform']).optional(),
  width: natural.optional(),
});

/** Schema of options.json. */
const OPTIONS = z.strictObject({
  formatVersion: z.literal(1),
  model: z.string(),
  modelOptions: MODEL_OPTIONS,
  data: z.strictObject({
    source: z.string(),
    size: natural.optional(),
    channels: z.union([z.literal(1), z.literal(3)]).optional(),
    rows: z.tuple([z.int().min(0), natural]).optional(),
    strict: z.boolean(),
    digest: z.string(),
  }),
  /** Another run's snapshot whose weights the generator began with. */
  pretrained: z.strictObject({ path: z.string(), digest: z.string() }).optional(),
  seed: z.int().min(0),
  engine: z.enum(engineNames),
  device: z.string(),
  images: natural,
  batch: natural,
  optimizer: z.enum(['adam', 'momentum']),
  learningRate: z.strictObject({ initial: size, decay: z.number().min(1), minimum: z.number().min(0) }),
  beta1: z.number().min(0).lt(1),
  beta2: z.number().min(0).lt(1),
  momentum: z.strictObject({
    initial: z.number().min(0).lt(1),
    final: z.number().min(0).lt(1),
    epochs: z.number().min(0),
  }),
  loss: z.enum(['non-saturating', 'minimax']),
  discriminatorSteps: natural,
  update: z.enum(['alternating', 'simultaneous']).default('alternating'),
  emaHalfLife: z.number().min(0),
  emaRamp: z.number().gt(0).max(1).default(0.05),
  /** Real images between two snapshots. */
  snapshotEvery: natural,
});

/** A run's options; units: images, except `emaHalfLife` (images too) and momentum's `epochs`. */
export type TrainOptions = z.infer<typeof OPTIONS>;

/** What a caller may choose; the rest comes from the model's defaults. */
export type TrainChoices = Partial<
  Pick<
    TrainOptions,
    | 'pretrained'
    | 'seed'
    | 'engine'
    | 'device'
    | 'images'
    | 'batch'
    | 'optimizer'
    | 'loss'
    | 'discriminatorSteps'
    | 'update'
    | 'emaHalfLife'
    | 'emaRamp'
    | 'snapshotEvery'
    | 'beta1'
    | 'beta2'
    | 'momentum'
  >
> & {
  readonly model: string;
  readonly data: {
    readonly source: string;
    readonly size?: number | undefined;
    readonly channels?: 1 | 3 | undefined;
    readonly rows?: readonly [number, number] | undefined;
    readonly strict?: boolean;
  };
  readonly learningRate?: number;
  readonly learningRateDecay?: number;
  readonly latentSize?: number | undefined;
  readonly latentDistribution?: 'normal' | 'uniform' | undefined;
  readonly width?: number | undefined;
};

/** Drops keys without a value, which JSON does not have. */
function defined<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined)) as T;
}

/**
 * Fills in the model's defaults for a data set.
 *
 * @throws GanError `BAD_ARGUMENT` for a choice that cannot be, or a batch larger than the data set
 */
export function planTraining(choices: TrainChoices, data: Dataset): TrainOptions {
  const model = findModel(choices.model);
  const modelOptions: BuildOptions = defined({
    imageShape: data.shape,
    kind: data.kind,
    latentSize: choices.latentSize,
    latentDistribution: choices.latentDistribution,
    width: choices.width,
  });
  const defaults = model.defaults(modelOptions);
  const images = choices.images ?? defaults.images;
  const options = {
    formatVersion: 1,
    model: model.name,
    modelOptions,
    data: defined({ strict: false, ...choices.data, digest: data.digest }),
    ...(choices.pretrained ? { pretrained: choices.pretrained } : {}),
    seed: choices.seed ?? 0,
    engine: choices.engine ?? 'onnxruntime',
    device: choices.device ?? 'cpu',
    images,
    batch: choices.batch ?? defaults.batch,
    optimizer: choices.optimizer ?? defaults.optimizer,
    learningRate: {
      initial: choices.learningRate ?? defaults.learningRate,
      decay: choices.learningRateDecay ?? defaults.learningRateDecay ?? 1,
      minimum: 1e-6,
    },
    beta1: choices.beta1 ?? defaults.beta1,
    beta2: choices.beta2 ?? defaults.beta2,
    momentum: choices.momentum ?? { initial: 0.5, final: 0.7, epochs: 249 },
    loss: choices.loss ?? defaults.loss,
    discriminatorSteps: choices.discriminatorSteps ?? defaults.discriminatorSteps,
    update: choices.update ?? defaults.update ?? 'alternating',
    emaHalfLife: choices.emaHalfLife ?? defaults.emaHalfLife,
    emaRamp: choices.emaRamp,
    snapshotEvery: choices.snapshotEvery ?? Math.max(1, Math.ceil(images / 10)),
  };
  if (options.batch > data.count) {
    throw expected(
      'train',
      `a batch of at most ${data.count}, the size of ${data.name}`,
      options.batch,
      'Set --batch.',
    );
  }
  model.build(modelOptions); // refuses shapes that the model cannot make, before anything is written
  return parseOptions(options, 'train');
}

/**
 * Checks options, as they were given or as they stood in options.json.
 *
 * @param where the file or verb that a message names
 * @throws GanError `BAD_ARGUMENT` that lists what is wrong
 */
export function parseOptions(value: unknown, where: string): TrainOptions {
  return parseWith(OPTIONS, value, where);
}

/** Checks the options that a model was built with, as they stand in a checkpoint. @throws GanError `BAD_ARGUMENT` */
export function parseModelOptions(value: unknown): BuildOptions {
  return parseWith(MODEL_OPTIONS, value, 'model options');
}

function parseWith<T>(schema: z.ZodType<T>, value: unknown, where: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const problems = result.error.issues.map(
    (issue) => `${issue.path.join('.') || 'options'}: ${issue.message}`,
  );
  throw new GanError('BAD_ARGUMENT', where, `Expected valid options, got \`${problems.join('; ')}\`.`);
}

/** The optimizer that the options name. */
export function makeOptimizer(options: TrainOptions): Optimizer {
  return options.optimizer === 'adam' ? adam(options.beta1, options.beta2) : momentum();
}
