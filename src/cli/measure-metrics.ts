/** The measures by name: which suit what kind of data, and how each is taken. Threads and features come from outside. */
import { expected } from '../core/errors.js';
import type { FloatTensor, PlainTensor } from '../core/tensor.js';
import { MIXTURES } from '../data/points.js';
import {
  type Coverage,
  findNearest,
  type KidResult,
  measureCoverage,
  measureFid,
  measureKid,
  measureParzen,
  measurePrecisionRecall,
  type Nearest,
  type ParzenResult,
  type PrecisionRecall,
  type RunJobs,
} from '../measure/index.js';
import { type MeasuredData, readAll } from './measure-data.js';
import type { FeaturePair } from './measure-features.js';
import { openBar } from './print.js';

/** Names of the measures, in the order of a report. */
export const METRICS = ['parzen', 'kid', 'fid', 'precision-recall', 'nearest', 'coverage'] as const;
export type Metric = (typeof METRICS)[number];

/** Samples whose nearest training items are looked for. */
const MOST_NEAREST = 1000;
/** Samples that a report names. */
const CLOSEST = 10;

/** Distances from the nearest training item. */
export interface Distances {
  readonly items: number;
  readonly least: number;
  readonly median: number;
}

/** Samples next to the training data, with real items that are not among them as a yardstick. */
export interface NearestResult {
  readonly samples: Distances;
  readonly test?: Distances;
  /** The samples that are nearest to a training item, by their numbers. */
  readonly closest: readonly (Nearest & { readonly sample: number })[];
}

/** Whatever was measured. */
export interface Measures {
  parzen?: ParzenResult;
  kid?: KidResult;
  fid?: number;
  'precision-recall'?: PrecisionRecall;
  nearest?: NearestResult;
  coverage?: Coverage;
}

/** What the measures are taken of, and by what means. */
export interface Subjects {
  readonly samples: PlainTensor;
  readonly measured: MeasuredData;
  /** Makes features when the first measure asks for them. */
  readonly features: () => Promise<FeaturePair>;
  readonly run: RunJobs;
  readonly signal: AbortSignal;
}

/** The measures that suit a kind of data. `nearest` tells nothing of the training items themselves. */
export function chooseMetrics({ kind, name }: { kind: string; name: string }, areReal: boolean): Metric[] {
  if (kind === 'images') {
    return ['parzen', 'kid', 'fid', 'precision-recall', ...(areReal ? [] : (['nearest'] as const))];
  }
  return Object.hasOwn(MIXTURES, name) ? ['coverage', 'kid'] : ['kid', 'precision-recall'];
}

/** Reads `parzen,kid`. @throws GanError `BAD_ARGUMENT` that lists the measures */
export function readMetrics(text: string, flag: string): Metric[] {
  return text.split(',').map((part) => {
    const found = METRICS.find((name) => name === part.trim());
    if (found) return found;
    throw expected(flag, `measures of ${METRICS.join(', ')}, by commas`, part.trim());
  });
}

/** Runs something with a bar of its own. */
async function withBar<T>(
  label: string,
  unit: string,
  work: (onProgress: (done: number, total: number) => void) => Promise<T>,
): Promise<T> {
  const bar = openBar(label, unit);
  try {
    return await work((done, total) => bar.update(done, total));
  } finally {
    bar.stop();
  }
}

function describeDistances(found: readonly Nearest[]): Distances {
  const sorted = found.map(({ distance }) => distance).sort((a, b) => a - b);
  return { items: found.length, least: sorted[0]!, median: sorted[Math.floor(sorted.length / 2)]! };
}

function takeFirst({ data, shape, dtype }: PlainTensor, most: number): PlainTensor {
  const [count = 0, ...rest] = shape;
  const used = Math.min(most, count);
  return { data: data.subarray(0, (data.length / count) * used), shape: [used, ...rest], dtype };
}

async function measureNearest({ samples, measured, run, signal }: Subjects): Promise<NearestResult> {
  const { data, test, separate } = measured;
  const rows = await readAll(data);
  const find = (items: PlainTensor, label: string) =>
    withBar(label, 'images', (onProgress) =>
      findNearest(takeFirst(items, MOST_NEAREST), rows, { run, signal, onProgress }),
    );
  const found = await find(samples, 'Nearest ');
  const unseen = separate ? await find(test, 'Yardstick') : undefined;
  return {
    samples: describeDistances(found),
    ...(unseen ? { test: describeDistances(unseen) } : {}),
    closest: found
      .map((nearest, sample) => ({ sample, ...nearest }))
      .sort((a, b) => a.distance - b.distance)
      .slice(0, CLOSEST),
  };
}

const TAKE: { readonly [M in Metric]: (subjects: Subjects) => Promise<NonNullable<Measures[M]>> } = {
  parzen: ({ samples, measured: { validation, test }, run, signal }) =>
    withBar('Parzen  ', 'images', (onProgress) =>
      measureParzen({ samples, validation, test }, { run, signal, onProgress }),
    ),
  kid: async ({ features, signal }) => {
    const { samples, reals } = await features();
    return await withBar('KID     ', 'blocks', (onProgress) =>
      measureKid(samples, reals, { signal, onProgress }),
    );
  },
  fid: async ({ features }) => {
    const { samples, reals } = await features();
    return measureFid(samples, reals);
  },
  'precision-recall': async ({ features, run, signal }) => {
    const { samples, reals } = await features();
    return await withBar('Manifold', 'items', (onProgress) =>
      measurePrecisionRecall(samples, reals, { run, signal, onProgress }),
    );
  },
  nearest: measureNearest,
  coverage: async ({ samples, measured: { data } }) => {
    const mixture = Object.hasOwn(MIXTURES, data.name) ? MIXTURES[data.name] : undefined;
    const known = Object.keys(MIXTURES).join(', ');
    if (!mixture) throw expected('coverage', `data whose density is known: ${known}`, data.name);
    return measureCoverage(samples as FloatTensor, mixture);
  },
};

/** Takes the measures one after the other. */
export async function takeMeasures(metrics: readonly Metric[], subjects: Subjects): Promise<Measures> {
  const measures: Measures = {};
  for (const metric of METRICS) {
    if (!metrics.includes(metric)) continue;
    subjects.signal.throwIfAborted();
    Object.assign(measures, { [metric]: await TAKE[metric](subjects) });
  }
  return measures;
}
