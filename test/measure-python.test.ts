/**
 * A judge from outside: NumPy in float64 works out KID, the Fréchet distance, precision and recall of the same
 * features, the root of a product of covariances by eigenvalues, which is another way than ours. `GANX_REQUIRE=python`
 * makes it a failure that it is not here.
 */
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { messageOf } from '../src/core/errors.js';
import { encodeNpy } from '../src/core/npy.js';
import { normal } from '../src/core/random.js';
import { type FloatTensor, plainTensor } from '../src/core/tensor.js';
import { measureFid, measureKid, measurePrecisionRecall, toRows } from '../src/measure/index.js';

const JUDGE = `
import json, sys
import numpy
folder = sys.argv[1]
x = numpy.load(folder + "/samples.npy").astype(numpy.float64)
y = numpy.load(folder + "/reals.npy").astype(numpy.float64)
n, m, d = len(x), len(y), x.shape[1]

def kernel(a, b):
    return (a @ b.T / d + 1) ** 3
def within(a):
    k = kernel(a, a)
    return (k.sum() - numpy.trace(k)) / (len(a) * (len(a) - 1))
kid = within(x) + within(y) - 2 * kernel(x, y).mean()

def root(matrix):
    values, vectors = numpy.linalg.eigh(matrix)
    return vectors @ numpy.diag(numpy.sqrt(numpy.clip(values, 0, None))) @ vectors.T
c, e = numpy.cov(x, rowvar=False), numpy.cov(y, rowvar=False)
middle = root(c) @ e @ root(c)
trace = numpy.sqrt(numpy.clip(numpy.linalg.eigvalsh((middle + middle.T) / 2), 0, None)).sum()
fid = ((x.mean(0) - y.mean(0)) ** 2).sum() + numpy.trace(c) + numpy.trace(e) - 2 * trace

def distances(a, b):
    return numpy.sqrt(((a[:, None] - b[None]) ** 2).sum(-1))
def covered(queries, references):
    own = numpy.sort(distances(references, references), axis=1)
    return (distances(queries, references) <= own[:, 3]).any(1).mean()
print(json.dumps({"kid": kid, "fid": fid, "precision": covered(x, y), "recall": covered(y, x)}))
`;

function runPython(...args: string[]): string {
  return execFileSync('python3', args, { encoding: 'utf8', stdio: 'pipe', timeout: 120_000 });
}

/** Why the judge cannot sit here. */
function findObstacle(): string | undefined {
  try {
    runPython('-c', 'import numpy');
    return undefined;
  } catch (error) {
    const lines = String((error as { stderr?: string }).stderr || messageOf(error)).trim();
    return `python3 with numpy is not here: ${lines.split('\n').at(-1)}`;
  }
}

const obstacle = findObstacle();
const isRequired = (process.env.GANX_REQUIRE ?? '').split(',').includes('python');
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ganx-judge-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

/** Features of correlated columns, some of which never vary, as those behind a ReLU are. */
function makeFeatures(stream: string, count: number, width: number, shift: number): FloatTensor {
  const noise = normal(4, stream, 0, count * width);
  const mixing = normal(4, 'mixing', 0, width * width);
  const out = new Float32Array(count * width);
  for (let row = 0; row < count; row++) {
    for (let i = 0; i < width; i++) {
      let sum = shift;
      for (let j = 0; j < width; j++) sum += (mixing[i * width + j]! * noise[row * width + j]!) / 6;
      out[row * width + i] = i % 11 === 5 ? 0 : Math.max(0, sum);
    }
  }
  return plainTensor(out, [count, width]);
}

it.for([
  { width: 8, shift: 0.05 },
  { width: 64, shift: 0.3 },
])('NumPy finds the same for $width features', async ({ width, shift }, { skip }) => {
  if (obstacle && !isRequired) skip(obstacle);
  const samples = makeFeatures('samples', 400, width, shift);
  const reals = makeFeatures('reals', 500, width, 0);
  await writeFile(join(folder, 'samples.npy'), encodeNpy(samples));
  await writeFile(
    join(folder, 'reals.npy'),
    encodeNpy(plainTensor(reals.data.slice(0, 400 * width), [400, width])),
  );
  const judged = JSON.parse(runPython('-c', JUDGE, folder)) as Record<string, number>;
  const [x, y] = [toRows(samples), toRows(plainTensor(reals.data.slice(0, 400 * width), [400, width]))];
  const kid = (await measureKid(x, y, { blockSize: 400 })).mean;
  expect(Math.abs(kid / judged.kid! - 1)).toBeLessThan(1e-6);
  expect(Math.abs(measureFid(x, y) / judged.fid! - 1)).toBeLessThan(1e-6);
  const { precision, recall } = await measurePrecisionRecall(x, y);
  expect(precision).toBeCloseTo(judged.precision!, 12);
  expect(recall).toBeCloseTo(judged.recall!, 12);
});
