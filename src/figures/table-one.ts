/**
 * Table 1 of "Generative Adversarial Nets": the paper's Parzen-window log-likelihoods, and what was measured here
 * beside them. It measures nothing itself.
 * https://arxiv.org/abs/1406.2661, section 5
 */

/** A mean log-likelihood in nats and its standard error. */
export interface Likelihood {
  readonly mean: number;
  readonly standardError: number;
}

/** A row: a model, and its likelihood by data set. */
export interface TableRow {
  readonly model: string;
  readonly source: 'paper' | 'here';
  readonly mnist?: Likelihood;
  readonly tfd?: Likelihood;
  /** Of the data set of this run, where that is not MNIST. */
  readonly other?: Likelihood;
}

function row(model: string, mnist: [number, number], tfd: [number, number]): TableRow {
  const toLikelihood = ([mean, standardError]: [number, number]) => ({ mean, standardError });
  return { model, source: 'paper', mnist: toLikelihood(mnist), tfd: toLikelihood(tfd) };
}

/** The four rows as printed. */
export const PAPER_ROWS: readonly TableRow[] = [
  row('DBN', [138, 2], [1909, 66]),
  row('Stacked CAE', [121, 1.6], [2110, 50]),
  row('Deep GSN', [214, 1.1], [1890, 29]),
  row('Adversarial nets', [225, 2], [2057, 26]),
];

/** `225 ± 2`; one digit behind the point for what was measured here. */
export function formatLikelihood(likelihood: Likelihood | undefined, source: TableRow['source']): string {
  if (likelihood === undefined) return '';
  const { mean, standardError } = likelihood;
  const sign = mean < 0 ? '\u2212' : '';
  const number = (value: number) => (source === 'paper' ? String(value) : value.toFixed(1));
  return `${sign}${number(Math.abs(mean))} ± ${number(standardError)}`;
}
