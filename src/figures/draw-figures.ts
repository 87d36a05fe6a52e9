/**
 * All figures of "Generative Adversarial Nets" for one generator and its run: pictures, charts, Table 1, one page around
 * them, and the numbers. Files come out as bytes under their names; nothing is read or written here.
 * https://arxiv.org/abs/1406.2661
 */
import type { Dataset } from '../core/types.js';
import type { DistanceOptions } from '../measure/index.js';
import type { Generator } from '../sample/index.js';
import { type Chart, drawChart, LIGHT, type Reference } from './chart.js';
import {
  type LikelihoodRecord,
  makeLikelihoodChart,
  makeTrainingCharts,
  type TrainingRecord,
} from './curves.js';
import { drawImages, type ImageFacts } from './draw-images.js';
import { drawPointClouds } from './draw-points.js';
import { expectTrainedOn, isMnist } from './known-data.js';
import type { Measured } from './measure-likelihood.js';
import type { ToNetwork } from './nearest-items.js';
import { writePage } from './page.js';
import { rasterize } from './rasterize.js';
import { explainTable, type MeasuredItems, makeTable, PAPER_MNIST, type TableRow } from './table-one.js';

/** What the figures are of. */
export interface FigureSources {
  readonly generator: Generator;
  /** The data that it was trained on. */
  readonly data: Dataset;
  /** Of the samples. */
  readonly seed: number;
  readonly training: readonly TrainingRecord[];
  readonly likelihoods: readonly LikelihoodRecord[];
  /** For Table 1; where it is absent, `reason` says why in a sentence. */
  readonly measured?: (Measured & MeasuredItems) | undefined;
  readonly reason?: string;
  /** Training items as the network was shown them; absent where that is the pixels as they are. */
  readonly toNetwork?: ToNetwork | undefined;
}

/** The numbers of figures.json. */
export interface FigureFacts extends Partial<ImageFacts> {
  readonly formatVersion: 1;
  readonly model: string;
  readonly data: string;
  readonly dataDigest: string;
  readonly imagesSeen: number;
  readonly epochs: number;
  readonly seed: number;
  readonly runtime: string;
  readonly table: readonly TableRow[];
  readonly measured?: Measured & MeasuredItems;
  readonly likelihoods: readonly LikelihoodRecord[];
  readonly files: readonly string[];
}

/** A file by name and content. */
export interface FigureFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

function makeCharts(sources: FigureSources, ofMnist: boolean): Chart[] {
  const { training, likelihoods, data, measured } = sources;
  const real = measured?.yardstick?.mean;
  const references: Reference[] = [
    ...(ofMnist ? [{ name: `paper ${PAPER_MNIST}`, y: PAPER_MNIST }] : []),
    ...(real === undefined ? [] : [{ name: `real images ${real.toFixed(0)}`, y: real }]),
  ];
  const likelihood = makeLikelihoodChart(likelihoods, data.count, references);
  return [...makeTrainingCharts(training, data.kind), ...(likelihood ? [likelihood] : [])];
}

function describeRun({ generator, data }: FigureSources): string {
  const { model, imagesSeen } = generator.metadata;
  const whole = (count: number) => count.toLocaleString('en-US');
  const what = `${whole(data.count)} ${data.kind} of ${data.shape.join(' × ')}`;
  const epochs = (imagesSeen / data.count).toFixed(1);
  return `${model} trained on ${data.name} (${what}): ${whole(imagesSeen)} ${data.kind} shown, ${epochs} epochs.`;
}

/**
 * Draws everything.
 *
 * @returns PNG files, `index.html` with all of them inside, and `figures.json`
 * @throws GanError `BAD_ARGUMENT` when the generator is of other data; the signal's reason when aborted
 */
export async function drawFigures(
  sources: FigureSources,
  options: DistanceOptions = {},
): Promise<{ files: FigureFile[]; facts: FigureFacts }> {
  const { generator, data, seed, measured, reason = 'Nothing was measured here.', likelihoods } = sources;
  const { model, imagesSeen, dataDigest } = generator.metadata;
  expectTrainedOn(generator, data);
  const ofMnist = await isMnist(data);
  const { pictures, facts: imageFacts } =
    data.kind === 'images'
      ? await drawImages(generator, data, seed, { ...options, toNetwork: sources.toNetwork })
      : { pictures: await drawPointClouds(generator, data, seed), facts: {} };
  const charts = makeCharts(sources, ofMnist);
  const rows = makeTable(model, measured, ofMnist);
  const page = writePage({
    title: `Figures: ${model} on ${data.name}`,
    summary: describeRun(sources),
    pictures,
    charts,
    table: {
      rows,
      dataName: data.name,
      notes: explainTable(measured, { ofMnist, dataName: data.name, reason }),
    },
  });
  const drawn = [
    ...pictures.map(({ name, png }) => ({ name, bytes: png })),
    ...(await Promise.all(
      charts.map(async (chart) => ({
        name: `${chart.name}.png`,
        bytes: await rasterize(drawChart(chart, LIGHT)),
      })),
    )),
    { name: 'index.html', bytes: Buffer.from(page) },
  ];
  const facts: FigureFacts = {
    formatVersion: 1,
    model,
    data: data.name,
    dataDigest,
    imagesSeen,
    epochs: imagesSeen / data.count,
    seed,
    runtime: `${generator.runtime} ${generator.version} on ${generator.device}`,
    ...imageFacts,
    table: rows,
    ...(measured ? { measured } : {}),
    likelihoods,
    files: drawn.map(({ name }) => name),
  };
  const json = Buffer.from(`${JSON.stringify(facts, null, 2)}\n`);
  return { files: [...drawn, { name: 'figures.json', bytes: json }], facts };
}
