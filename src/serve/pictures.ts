/**
 * Pictures for people: contact sheets, single samples, and the way from one sample to another as a film. All of them
 * follow from the URL and the model's version.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { expected } from '../core/errors.js';
import type { GeneratorMetadata } from '../core/metadata.js';
import type { SheetShape } from '../sample/index.js';
import { type Plan, planSamples, planWalk } from '../sample/sample-options.js';
import { makeTag, setCaching } from './caching.js';
import type { EncodeTask } from './encode-worker.js';
import type { ServedModel } from './model.js';
import { anyText, describeParameters, readParameters, realNumber, wholeNumber } from './query.js';
import { acceptCall, type Service } from './service.js';

const MAX_SEED = Number.MAX_SAFE_INTEGER;
/** Sample numbers times the latent size must stay exact. */
const MAX_FROM = 2 ** 32;

const common = {
  truncation: realNumber('Less makes likelier and less varied images.', 0, 1, 1),
  label: anyText('A class by name or number; without it sample i takes class i mod n.'),
  scale: wholeNumber('Each pixel becomes so many pixels square.', 1, 16),
  v: anyText("The model's version: such an address never changes what it shows."),
};
const seed = wholeNumber('Sample i of a seed is always the same image.', 0, MAX_SEED, 0);
const from = wholeNumber('Number of the first sample.', 0, MAX_FROM, 0);

/** The class by number. @throws GanError `BAD_ARGUMENT` */
export function readLabel(text: string | undefined, { generator }: ServedModel): number | undefined {
  if (text === undefined) return undefined;
  const names = generator.labelled ? (generator.metadata.labels ?? []) : [];
  const index = names.indexOf(text);
  const label = index >= 0 ? index : /^\d{1,6}$/.test(text) ? Number(text) : -1;
  if (label >= 0 && label < names.length) return label;
  throw expected('label', names.length > 0 ? 'a class' : 'no class: the model has none', text);
}

/** A sample as it is. */
const PLAIN = { scale: 1, padding: 0 };

/** A larger picture would keep an encoding thread busy for seconds. */
const MAX_PIXELS = 2 ** 24;

/** @throws GanError `BAD_ARGUMENT` for more pixels than that, and for images that are neither grey nor in colour */
function checkPixels({ kind, imageShape }: GeneratorMetadata, count: number, scale: number): void {
  const [height, width, channels] = imageShape;
  if (kind === 'images' && channels !== 1 && channels !== 3)
    throw expected(
      'picture',
      'a model of grey or RGB images',
      `${channels} channels`,
      'Ask at /v2 for tensors.',
    );
  const pixels = count * height * width * scale ** 2;
  if (pixels > MAX_PIXELS)
    throw expected('picture', `at most ${MAX_PIXELS} pixels`, pixels, 'Ask for fewer.');
}

/** What a picture shows: latents that are drawn only if it has to be made. */
interface Drawing {
  readonly tag: string;
  readonly type: 'image/png' | 'image/webp';
  readonly rows: number;
  readonly plan: () => Plan;
  readonly task: (values: Float32Array) => EncodeTask;
}

async function sendPicture(
  service: Service,
  model: ServedModel,
  drawing: Drawing,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { tag, type, rows, plan } = drawing;
  const isKnown = setCaching(request, reply, tag, model.version, service.settings.publicCaches);
  if (isKnown) return reply.code(304).send();
  const call = acceptCall(service, model, rows, reply);
  const { latents, labels } = plan().cut(0, rows);
  const values = await model.batcher.submit({ latents: latents.data, labels, call });
  const bytes = await service.encoder.encode(drawing.task(values.slice()), call);
  return reply.type(type).send(bytes);
}

/** Names of the classes, of a generator that takes them. */
const classesOf = ({ generator }: ServedModel) =>
  generator.labelled ? generator.metadata.labels : undefined;

/** One object a model: what a message to a thread holds twice is copied once. */
const shapes = new WeakMap<GeneratorMetadata, SheetShape>();

function shapeOf(metadata: GeneratorMetadata): SheetShape {
  const { kind, imageShape, imageRange } = metadata;
  const shape = shapes.get(metadata) ?? { kind, imageShape, imageRange };
  shapes.set(metadata, shape);
  return shape;
}

/** Routes below `/`, for the default model, and below `/models/NAME/`. */
export async function pictureRoutes(app: FastifyInstance, service: Service): Promise<void> {
  const { models, settings } = service;
  const count = wholeNumber('How many.', 1, settings.maxCount, Math.min(16, settings.maxCount));
  const sheetParameters = {
    count,
    seed,
    from,
    columns: wholeNumber('Images in a row.', 1, settings.maxCount),
    ...common,
  };
  const singleParameters = { from, ...common };
  const filmParameters = {
    from: seed,
    to: wholeNumber('The seed whose first sample is the last frame.', 0, MAX_SEED, 1),
    frames: wholeNumber('How many.', 2, Math.max(2, settings.maxCount), Math.min(32, settings.maxCount)),
    delay: wholeNumber('Milliseconds of each frame.', 10, 10_000, 80),
    ...common,
  };
  const modelOf = (request: FastifyRequest, version: string | undefined) =>
    models.find((request.params as { model?: string }).model, version);

  const sendSamples = (
    request: FastifyRequest,
    reply: FastifyReply,
    kind: 'sheet' | 'single',
    wish: { count: number; seed: number; from: number; columns?: number | undefined } & {
      readonly truncation?: number;
      readonly label?: string;
      readonly scale?: number;
      readonly v?: string;
    },
  ) => {
    const model = modelOf(request, wish.v);
    const { metadata } = model.generator;
    const label = readLabel(wish.label, model);
    const { truncation = 1, scale } = wish;
    const columns = wish.columns && Math.min(wish.columns, wish.count);
    checkPixels(metadata, wish.count, scale ?? 1);
    const plainOptions = scale === undefined ? PLAIN : { scale, padding: 0 };
    const options = kind === 'single' ? plainOptions : { scale, columns };
    const parts = [kind, wish.count, wish.seed, wish.from, truncation, label, scale, columns];
    const drawing: Drawing = {
      tag: makeTag([model.version, ...parts]),
      type: 'image/png',
      rows: wish.count,
      plan: () =>
        planSamples(metadata, classesOf(model), {
          count: wish.count,
          seed: wish.seed,
          from: wish.from,
          truncation,
          label,
        }),
      task: (values) => ({ kind: 'sheet', values, shape: shapeOf(metadata), options }),
    };
    return sendPicture(service, model, drawing, request, reply);
  };

  const sendFilm = (request: FastifyRequest, reply: FastifyReply) => {
    const wish = readParameters(filmParameters, request.query);
    const model = modelOf(request, wish.v);
    const { metadata } = model.generator;
    if (metadata.kind === 'points') throw expected('interpolate', 'a model of images', 'points');
    const label = readLabel(wish.label, model) ?? (model.generator.labelled ? 0 : undefined);
    const {
      from: first = 0,
      to = 1,
      frames = Math.min(32, settings.maxCount),
      delay = 80,
      truncation = 1,
    } = wish;
    const longest = Math.max(metadata.imageShape[0], metadata.imageShape[1]);
    const scale = wish.scale ?? Math.max(1, Math.round(128 / longest));
    checkPixels(metadata, frames, scale);
    const drawing: Drawing = {
      tag: makeTag([model.version, 'film', first, to, frames, delay, truncation, label, scale]),
      type: 'image/webp',
      rows: frames,
      plan: () => planWalk(metadata, classesOf(model), { from: first, to, steps: frames, truncation, label }),
      task: (values) => ({ kind: 'film', values, shape: shapeOf(metadata), scale, delay }),
    };
    return sendPicture(service, model, drawing, request, reply);
  };

  for (const prefix of ['', '/models/:model']) {
    const describe = (summary: string, parameters: Parameters<typeof describeParameters>[0]) => ({
      schema: { summary, tags: ['pictures'], querystring: describeParameters(parameters) },
      validatorCompiler: () => () => true,
    });
    app.get(
      `${prefix}/samples.png`,
      describe('A contact sheet, or a plot of points', sheetParameters),
      (request, reply) => {
        const wish = readParameters(sheetParameters, request.query);
        const initially = Math.min(16, settings.maxCount);
        return sendSamples(request, reply, 'sheet', { seed: 0, from: 0, count: initially, ...wish });
      },
    );
    app.get(
      `${prefix}/samples/:seed(^\\d{1,16}).png`,
      describe('One sample of a seed', singleParameters),
      (request, reply) => {
        const wish = readParameters(singleParameters, request.query);
        const own = seed.read((request.params as { seed: string }).seed, 'seed');
        return sendSamples(request, reply, 'single', { from: 0, ...wish, seed: own, count: 1 });
      },
    );
    app.get(
      `${prefix}/interpolate.webp`,
      describe('From one sample to another', filmParameters),
      (request, reply) => sendFilm(request, reply),
    );
  }
}
