/**
 * Weights that a run takes over from another: those of its generator that have the same name and shape. So the second
 * stage of the TFD runs of arXiv:1406.2661 begins with the layers of the first.
 */
import { createHash } from 'node:crypto';
import { resolveSnapshot } from '../checkpoint/index.js';
import { expected } from '../core/errors.js';
import type { FloatTensor } from '../core/tensor.js';
import type { State } from './engines/engine.js';

/** Where weights were taken from, as it stands in options.json. */
export interface Pretrained {
  /** A run folder, or a snapshot's own file. */
  readonly path: string;
  /** SHA-256 (hex) over the names, shapes and values of the snapshot's tensors. */
  readonly digest: string;
}

async function load(path: string): Promise<Record<string, FloatTensor>> {
  return (await resolveSnapshot(path)).checkpoint.tensors as Record<string, FloatTensor>;
}

function digestOf(tensors: Readonly<Record<string, FloatTensor>>): string {
  const hash = createHash('sha256');
  for (const [name, { shape, data }] of Object.entries(tensors).sort(([a], [b]) => (a < b ? -1 : 1))) {
    hash.update(`${name} ${shape.join('x')}\n`);
    hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  return hash.digest('hex');
}

/** Names the weights that a run is to begin with. @throws GanError `BAD_CHECKPOINT` or `IO` when there are none */
export async function findPretrained(path: string): Promise<Pretrained> {
  return { path, digest: digestOf(await load(path)) };
}

/**
 * Puts the weights of a snapshot, and the averages of them, into the state of a run before its first step.
 *
 * @throws GanError `BAD_ARGUMENT` when the snapshot is another one by now, or shares no weight with the run
 */
export async function takePretrained(state: State, { path, digest }: Pretrained): Promise<State> {
  const tensors = await load(path);
  const found = digestOf(tensors);
  if (found !== digest) {
    const short = (text: string): string => `${text.slice(0, 12)}…`;
    const remedy = 'Restore it, or begin a new run.';
    throw expected(
      'train',
      `the weights that the run began with (SHA-256 ${short(digest)}) in ${path}`,
      short(found),
      remedy,
    );
  }
  const shared = Object.entries(tensors).filter(
    ([name, { shape }]) => state[name]?.shape.join() === shape.join(),
  );
  if (shared.length === 0) {
    throw expected('train', `weights of this generator in ${path}`, 'none of their names and shapes');
  }
  const taken = shared.flatMap(([name, tensor]) => [
    [name, tensor],
    [`ema/${name}`, tensor],
  ]);
  return { ...state, ...Object.fromEntries(taken) };
}
