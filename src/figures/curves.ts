/**
 * From the lines of stats.jsonl and parzen.jsonl to the charts of a training. It reads text and knows no file.
 * https://jsonlines.org
 */
import { GanError, messageOf } from '../core/errors.js';
import type { Chart, Reference, Series } from './chart.js';

/** One line of stats.jsonl: means over some steps. */
export interface TrainingRecord {
  readonly imagesSeen: number;
  readonly lossD: number;
  readonly lossG: number;
  /** D(x), mean over real images. */
  readonly dReal: number;
  /** D(G(z)), mean over generated ones. */
  readonly dFake: number;
}

/** One line of parzen.jsonl: a snapshot's Parzen-window log-likelihood in nats. */
export interface LikelihoodRecord {
  readonly imagesSeen: number;
  readonly sigma: number;
  /** Mean over rows that σ was chosen on. */
  readonly validation: number;
  /** Mean over test rows, with its standard error. */
  readonly test?: number;
  readonly standardError?: number;
  /** Samples that windows stood on; likelihoods rise with them. */
  readonly samples?: number;
}

/** Points of a curve beyond this many are averaged in groups. */
const MOST_POINTS = 400;

/** log 2: D's loss, and the non-saturating loss of G, where D = 1/2 everywhere (theorem 1). */
const LOG_2 = Math.LN2;

function parseRecords<T>(
  text: string,
  file: string,
  needed: readonly string[],
  optional: readonly string[] = [],
): T[] {
  // The last part is empty, or the torn line of a process that was killed.
  const lines = text.split('\n').slice(0, -1);
  return lines.map((line, i) => {
    const refuse = (got: string, cause?: unknown) =>
      new GanError(
        'BAD_DATA',
        `${file}:${i + 1}`,
        `Expected JSON with the numbers ${needed.join(', ')}, got \`${got}\`. Restore the file, or remove it.`,
        { cause },
      );
    let record: Record<string, unknown>;
    try {
      record = JSON.parse(line) as Record<string, unknown>;
    } catch (error) {
      throw refuse(messageOf(error), error);
    }
    const isGood = (key: string) => Number.isFinite(record?.[key]);
    const isFine = needed.every(isGood) && optional.every((key) => record[key] === undefined || isGood(key));
    if (!isFine) throw refuse(line.slice(0, 80));
    return record as T;
  });
}

/** Reads stats.jsonl. @throws GanError `BAD_DATA` that names the line */
export function parseTraining(text: string, file: string): TrainingRecord[] {
  return parseRecords(text, file, ['imagesSeen', 'lossD', 'lossG', 'dReal', 'dFake']);
}

/**
 * Reads parzen.jsonl, in the order of images seen; of several lines on one snapshot the last counts.
 *
 * @throws GanError `BAD_DATA` that names the line
 */
export function parseLikelihoods(text: string, file: string): LikelihoodRecord[] {
  const optional = ['test', 'standardError', 'samples'];
  const records = parseRecords<LikelihoodRecord>(text, file, ['imagesSeen', 'sigma', 'validation'], optional);
  const last = new Map(records.map((record) => [record.imagesSeen, record]));
  return [...last.values()].sort((a, b) => a.imagesSeen - b.imagesSeen);
}

/** Means of neighbours, so that a long run's curve is a line and not a band of ink. */
function thin(points: readonly (readonly [number, number])[]): (readonly [number, number])[] {
  const group = Math.ceil(points.length / MOST_POINTS);
  return Array.from({ length: Math.ceil(points.length / group) }, (_, i) => {
    const part = points.slice(i * group, (i + 1) * group);
    const mean = (axis: 0 | 1) => part.reduce((sum, point) => sum + point[axis], 0) / part.length;
    return [mean(0), mean(1)] as const;
  });
}

/** The charts of the losses, and of what D says of real and generated images; none for a run without lines. */
export function makeTrainingCharts(records: readonly TrainingRecord[], kind: 'images' | 'points'): Chart[] {
  if (records.length === 0) return [];
  const curve = (name: string, key: keyof TrainingRecord): Series => ({
    name,
    points: thin(records.map((record) => [record.imagesSeen, record[key]])),
  });
  const xLabel = `real ${kind} shown to D`;
  return [
    {
      name: 'losses',
      title: 'Losses in training',
      xLabel,
      yLabel: 'loss (nats)',
      series: [curve('D', 'lossD'), curve('G', 'lossG')],
      references: [{ name: 'log 2, at equilibrium', y: LOG_2 }],
    },
    {
      name: 'beliefs',
      title: 'What D believes',
      xLabel,
      yLabel: 'mean probability',
      series: [curve('D(x)', 'dReal'), curve('D(G(z))', 'dFake')],
      references: [{ name: '1/2, at equilibrium', y: 0.5 }],
      yRange: [0, 1],
    },
  ];
}

/**
 * The chart of the log-likelihood in the course of training.
 *
 * @param count      items of the training data, so that the axis can be in epochs
 * @param references likelihoods to compare with
 * @returns undefined where there is nothing to draw
 */
export function makeLikelihoodChart(
  records: readonly LikelihoodRecord[],
  count: number,
  references: readonly Reference[],
): Chart | undefined {
  if (records.length === 0) return undefined;
  const tested = records.filter((record) => record.test !== undefined);
  const epochs = (imagesSeen: number) => imagesSeen / count;
  const validation: Series = {
    name: 'validation',
    marks: true,
    points: records.map((record) => [epochs(record.imagesSeen), record.validation]),
  };
  const test: Series = {
    name: 'test',
    marks: true,
    points: tested.map((record) => [epochs(record.imagesSeen), record.test!]),
  };
  return {
    name: 'likelihood',
    title: 'Parzen log-likelihood',
    xLabel: 'epochs',
    yLabel: 'log-likelihood (nats)',
    series: tested.length > 0 ? [validation, test] : [validation],
    references,
  };
}
