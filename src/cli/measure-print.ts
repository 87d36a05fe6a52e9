/** How measures are shown: a table for people, with what each number means and what it cannot tell; JSON for programs. */
import type { FeatureFacts } from './measure-features.js';
import { METRICS, type Measures, type Metric } from './measure-metrics.js';
import { formatTable, paint, printLine, printNote } from './print.js';

/** Everything that was found, as it stands in the JSON. */
export interface MeasureReport {
  readonly subject: {
    readonly name: string;
    readonly samples: number;
    readonly facts: Readonly<Record<string, string | number>>;
  };
  readonly data: {
    readonly name: string;
    readonly kind: 'images' | 'points';
    readonly count: number;
    readonly digest: string;
    readonly test: { readonly from: string; readonly count: number };
    readonly validation: { readonly from: string; readonly count: number };
  };
  readonly features?: FeatureFacts;
  readonly measures: Measures;
  readonly durationMs: number;
}

type Row = readonly [name: string, value: string, meaning: string];

/** Three significant digits, and exponents only where a number is very small. */
function short(value: number): string {
  if (value === 0) return '0';
  return Math.abs(value) < 1e-3 ? value.toExponential(2) : String(Number(value.toPrecision(4)));
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

/** Rows of the table by measure. */
const ROWS: { readonly [M in Metric]: (measure: NonNullable<Measures[M]>) => Row[] } = {
  parzen: ({ mean, standardError, sigma }) => [
    [
      'Parzen log-likelihood',
      `${mean.toFixed(1)} ± ${standardError.toFixed(1)} nats`,
      `more is better; window σ ${short(sigma)}`,
    ],
  ],
  kid: ({ mean, standardError, blocks, blockSize }) => [
    [
      'KID',
      `${short(mean)}${standardError === undefined ? '' : ` ± ${short(standardError)}`}`,
      `less is better, 0 for equal sets; ${blocks} × ${blockSize}`,
    ],
  ],
  fid: (value) => [['FID', short(value), 'less is better']],
  'precision-recall': ({ precision, recall, k }) => [
    ['precision', percent(precision), `samples among the real items; k = ${k}`],
    ['recall', percent(recall), 'real items among the samples'],
  ],
  nearest: ({ samples, test }) => [
    [
      'nearest training item',
      `${samples.median.toFixed(3)} median, ${samples.least.toFixed(3)} least`,
      `L2, pixels in [0, 1]; the first ${samples.items} samples`,
    ],
    ...(test
      ? [
          [
            '  of unseen real items',
            `${test.median.toFixed(3)} median, ${test.least.toFixed(3)} least`,
            'samples far below it are copies',
          ] as const,
        ]
      : []),
  ],
  coverage: ({ modes, covered, highQuality, divergence, bins }) => [
    ['modes covered', `${covered} of ${modes}`, 'with a sample within 3 σ'],
    ['samples on a mode', percent(highQuality), 'within 3 σ'],
    ...(divergence === undefined
      ? []
      : [['Jensen-Shannon', `${short(divergence)} nats`, `less is better; ${bins} bins an axis`] as const]),
  ],
};

function rowsOf<M extends Metric>(metric: M, measures: Measures): Row[] {
  const measure = measures[metric];
  return measure === undefined ? [] : ROWS[metric](measure as NonNullable<Measures[M]>);
}

function describeFeatures({ file, sha256, size, task, accuracy, heldOut }: FeatureFacts): string {
  const trained =
    task === undefined || accuracy === undefined
      ? ''
      : `, which tells ${task} apart in ${percent(accuracy)} of ${heldOut} held-out images`;
  return `KID, FID, precision and recall: ${size} features of ${file} (SHA-256 ${sha256.slice(0, 12)})${trained}. They are no Inception features: compare numbers of these features only.`;
}

/** Prints the table and, as remarks, what to bear in mind. */
export function printReport({ subject, data, features, measures }: MeasureReport): void {
  const facts = Object.entries(subject.facts).map(([key, value]) => `${key} ${value}`);
  printLine(`${subject.name}: ${subject.samples} samples${facts.length > 0 ? `; ${facts.join(', ')}` : ''}`);
  printLine(`against ${data.name}, ${data.count} items; test: ${data.test.count} of ${data.test.from}`);
  printLine();
  printLine(formatTable(METRICS.flatMap((metric) => rowsOf(metric, measures))));
  printLine();
  if (measures.parzen) {
    const { validation } = data;
    printNote(paint('dim', `σ chosen by ${validation.count} items (${validation.from}).`));
    printNote(
      paint(
        'dim',
        'The Parzen measure can be gamed (arXiv:1511.01844): samples near class means score well. Look at samples too.',
      ),
    );
  }
  if (features) printNote(paint('dim', describeFeatures(features)));
}
