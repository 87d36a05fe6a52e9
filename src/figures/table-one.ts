/**
 * Table 1 of "Generative Adversarial Nets": the paper's Parzen-window log-likelihoods, and what was measured here
 * beside them. It measures nothing itself.
 * https://arxiv.org/abs/1406.2661, section 5
 */
import type { ParzenResult } from '../measure/index.js';
import type { Measured } from './measure-likelihood.js';

/** A mean log-likelihood in nats and its standard error. */
export interface Likelihood {
  readonly mean: number;
  readonly standardError: number;
}

/** Which items a measurement rests on. */
export interface MeasuredItems {
  /** Where the test items are from, in words. */
  readonly testFrom: string;
  /** Where those are from that σ was chosen on, in words. */
  readonly validationFrom: string;
  /** The test items are a set of their own, and none of them was trained on. */
  readonly separate: boolean;
}

/** A row: a model, and its likelihood by data set. */
export interface TableRow {
  readonly model: string;
  readonly source: 'paper' | 'run' | 'yardstick';
  readonly mnist?: Likelihood;
  readonly tfd?: Likelihood;
  /** On the data set of this run, where that is not MNIST. */
  readonly other?: Likelihood;
}

function row(model: string, mnist: [number, number], tfd: [number, number]): TableRow {
  const toLikelihood = ([mean, standardError]: [number, number]) => ({ mean, standardError });
  return { model, source: 'paper', mnist: toLikelihood(mnist), tfd: toLikelihood(tfd) };
}

/** The four rows as printed. */
const PAPER_ROWS: readonly TableRow[] = [
  row('DBN', [138, 2], [1909, 66]),
  row('Stacked CAE', [121, 1.6], [2110, 50]),
  row('Deep GSN', [214, 1.1], [1890, 29]),
  row('Adversarial nets', [225, 2], [2057, 26]),
];

/** Adversarial nets on MNIST, for charts. */
export const PAPER_MNIST = 225;

/** `225 ± 2`; one digit behind the point for what was measured here. */
export function formatLikelihood(likelihood: Likelihood | undefined, source: TableRow['source']): string {
  if (likelihood === undefined) return '';
  const { mean, standardError } = likelihood;
  const sign = mean < 0 ? '\u2212' : '';
  const number = (value: number) => (source === 'paper' ? String(value) : value.toFixed(1));
  return `${sign}${number(Math.abs(mean))} ± ${number(standardError)}`;
}

/** Whether a number stands beside the paper's: of MNIST's own test images. */
function isComparable({ separate }: MeasuredItems, ofMnist: boolean): boolean {
  return separate && ofMnist;
}

/** The paper's rows, and ours where something was measured. */
export function makeTable(
  model: string,
  measured: (Measured & MeasuredItems) | undefined,
  ofMnist: boolean,
): TableRow[] {
  if (!measured) return [...PAPER_ROWS];
  const column = isComparable(measured, ofMnist) ? 'mnist' : 'other';
  const place = ({ mean, standardError }: ParzenResult) => ({ [column]: { mean, standardError } });
  const { generator, yardstick } = measured;
  return [
    ...PAPER_ROWS,
    { model: `ganx ${model}, this run`, source: 'run', ...place(generator) },
    ...(yardstick
      ? [{ model: 'Real images as samples', source: 'yardstick' as const, ...place(yardstick) }]
      : []),
  ];
}

const whole = (count: number): string => count.toLocaleString('en-US');

/**
 * What a reader has to know of the numbers.
 *
 * @param reason why nothing was measured, as a sentence
 */
export function explainTable(
  measured: (Measured & MeasuredItems) | undefined,
  { ofMnist, dataName, reason }: { ofMnist: boolean; dataName: string; reason: string },
): string[] {
  const general =
    'The measure can be gamed: samples near the mean of a class score well (arXiv:1511.01844). Look at the samples too.';
  if (!measured) return [`The paper’s numbers alone. ${reason}`, general];
  const { generator, yardstick, testFrom, validationFrom, separate } = measured;
  const notes = [
    `Ours: mean log-likelihood, in nats, of ${whole(generator.tested)} test images (${testFrom}) under Gaussian windows of width σ = ${generator.sigma.toFixed(4)} ` +
      `around ${whole(generator.samples)} samples, pixels from 0 to 1; ± is the standard error of the mean. σ is the best of ten for ${validationFrom}.`,
  ];
  if (yardstick) {
    notes.push(
      `Real images: the same with ${whole(yardstick.samples)} training images in place of the samples (σ = ${yardstick.sigma.toFixed(4)}). ` +
        'It is a yardstick and no upper bound.',
    );
  }
  if (!separate) notes.push('The test images may be among those that it was trained on.');
  if (!isComparable(measured, ofMnist)) {
    notes.push(`${dataName} is not a test set of the paper: its column cannot be compared with the others.`);
  }
  return [...notes, general];
}
