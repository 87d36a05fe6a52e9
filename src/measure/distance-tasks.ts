/**
 * What is made of distances, as tasks that any thread can do: each takes some queries and all references and gives
 * arrays, nothing else. They know neither threads nor what the numbers will be called.
 */
import { visitDistances } from './distances.js';
import type { Rows } from './rows.js';

/** Which part of the work: queries `from` to `to - 1`. */
interface Part {
  readonly queries: Rows;
  readonly references: Rows;
  readonly from: number;
  readonly to: number;
}

/** A task by name with everything that it needs; plain data, so that it can be sent to another thread. */
export type Job =
  | (Part & { readonly task: 'parzen'; readonly sigmas: readonly number[] })
  | (Part & { readonly task: 'nearest' })
  | (Part & { readonly task: 'neighbour'; readonly k: number })
  | (Part & { readonly task: 'covered'; readonly radii: Float64Array });

/** Numbers of the queries of one job, in order. */
export interface JobResult {
  /** `parzen`: [n, σ] log-likelihoods in nats; else [n] squared distances, or 1 and 0. */
  readonly values: Float64Array;
  /** `nearest`: [n] numbers of references. */
  readonly indices?: Int32Array;
}

/** Shares below e^−40 of the largest kernel change no digit of a sum of 10,000. */
const NEGLIGIBLE = 40;

/**
 * log (1/M · Σ_j N(x; μ_j, σ²I)) for every query x and σ. The sums are kept relative to the nearest reference so far,
 * so that none of them vanishes.
 */
function runParzen({ queries, references, from, to }: Part, sigmas: readonly number[]): JobResult {
  const size = sigmas.length;
  const nearest = new Float64Array(to - from).fill(Number.POSITIVE_INFINITY);
  const sums = new Float64Array((to - from) * size);
  const rates = sigmas.map((sigma) => 1 / (2 * sigma * sigma));
  visitDistances(queries, from, to, references, (query, _, distances, count) => {
    const row = query - from;
    const before = nearest[row]!;
    let least = before;
    for (let i = 0; i < count; i++) if (distances[i]! < least) least = distances[i]!;
    nearest[row] = least;
    for (let s = 0; s < size; s++) {
      const rate = rates[s]!;
      let sum =
        before === least ? sums[row * size + s]! : sums[row * size + s]! * Math.exp((least - before) * rate);
      for (let i = 0; i < count; i++) {
        const exponent = (distances[i]! - least) * rate;
        if (exponent < NEGLIGIBLE) sum += Math.exp(-exponent);
      }
      sums[row * size + s] = sum;
    }
  });
  const scales = sigmas.map(
    (sigma) => Math.log(references.count) + queries.width * Math.log(sigma * Math.sqrt(2 * Math.PI)),
  );
  const values = sums.map((sum, i) => {
    const s = i % size;
    return Math.log(sum) - nearest[Math.floor(i / size)]! * rates[s]! - scales[s]!;
  });
  return { values };
}

/** The nearest reference of every query, the first of several. */
function runNearest({ queries, references, from, to }: Part): JobResult {
  const values = new Float64Array(to - from).fill(Number.POSITIVE_INFINITY);
  const indices = new Int32Array(to - from);
  visitDistances(queries, from, to, references, (query, start, distances, count) => {
    const row = query - from;
    for (let i = 0; i < count; i++) {
      if (distances[i]! >= values[row]!) continue;
      values[row] = distances[i]!;
      indices[row] = start + i;
    }
  });
  return { values, indices };
}

/** The distance of the k-th nearest of the references, which are the queries themselves: not counting itself. */
function runNeighbour({ queries, references, from, to }: Part, k: number): JobResult {
  const least = new Float64Array((to - from) * k).fill(Number.POSITIVE_INFINITY);
  visitDistances(queries, from, to, references, (query, start, distances, count) => {
    const row = (query - from) * k;
    for (let i = 0; i < count; i++) {
      const distance = distances[i]!;
      if (distance >= least[row + k - 1]! || start + i === query) continue;
      let at = row + k - 1;
      for (; at > row && least[at - 1]! > distance; at--) least[at] = least[at - 1]!;
      least[at] = distance;
    }
  });
  return { values: Float64Array.from({ length: to - from }, (_, row) => least[row * k + k - 1]!) };
}

/** Whether a query lies within the radius of any reference. */
function runCovered({ queries, references, from, to }: Part, radii: Float64Array): JobResult {
  const values = new Float64Array(to - from);
  visitDistances(queries, from, to, references, (query, start, distances, count) => {
    if (values[query - from] === 1) return;
    for (let i = 0; i < count; i++) if (distances[i]! <= radii[start + i]!) values[query - from] = 1;
  });
  return { values };
}

/** Does a job. */
export function runJob(job: Job): JobResult {
  if (job.task === 'parzen') return runParzen(job, job.sigmas);
  if (job.task === 'nearest') return runNearest(job);
  if (job.task === 'neighbour') return runNeighbour(job, job.k);
  return runCovered(job, job.radii);
}
