/**
 * Finds the node where two sides part that should compute the same: one file on two devices, or two files with the same
 * names of nodes. The reference's values are made visible; then each node of the candidate runs alone on them, in order,
 * so that the first one that is off is at fault, and its piece of the graph shows it by itself.
 * Where every node alone is right (a runtime fuses nodes only while nobody looks between them), the graph is cut into
 * ever longer beginnings instead.
 */
import { expected, messageOf } from '../../src/core/errors.js';
import type { FloatTensor, TensorMap } from '../../src/core/tensor.js';
import { inferElementTypes } from '../proto/element-types.js';
import { type Model, readModel } from '../proto/read-model.js';
import { Candidate, runOnce, type Target, type Trial } from './candidate.js';
import { compareTensors, failedGap, type Gap } from './compare.js';
import { explainChange } from './explain.js';
import { pairTensors, recordValues } from './reference.js';
import type { BisectOptions, Divergence, Engine, Side } from './types.js';

/** A hundredth of a step of an 8-bit image: above what any device was measured to differ by when it is right. */
const DEFAULT_TOLERANCE = 1e-4;

/** The share of the tolerance above which a node's own difference is named when differences add up. */
const NOTABLE_SHARE = 0.1;

const AGREES: Gap = { max: 0, relative: 0, at: [], expected: 0, got: 0 };

/** The candidate's whole file against the reference's results: the worst output, and what ran it. */
async function compareWhole(
  candidate: Side,
  model: Model,
  pairs: ReadonlyMap<string, string>,
  wanted: TensorMap,
  feeds: TensorMap,
): Promise<{ tensor: string; gap: Gap; engine?: Engine }> {
  const paired = model.outputs.map(({ name }) => name ?? '').filter((name) => wanted[pairs.get(name) ?? '']);
  try {
    const { results, engine } = await runOnce(candidate, candidate.bytes, feeds);
    const gaps = paired.map((tensor) => ({
      tensor,
      gap: compareTensors(wanted[pairs.get(tensor)!]!, results[tensor]!),
    }));
    const first = { tensor: paired[0] ?? '', gap: AGREES };
    return {
      ...gaps.reduce((worst, one) => (one.gap.relative > worst.gap.relative ? one : worst), first),
      engine,
    };
  } catch (error) {
    return { tensor: paired[0] ?? '', gap: failedGap(messageOf(error)) };
  }
}

/** The first node that is off by itself, or else the one that is off most. */
async function tryAlone(candidate: Candidate, tolerance: number): Promise<Trial | undefined> {
  let worst: Trial | undefined;
  for (const target of candidate.listTargets()) {
    const trial = await candidate.try(target, () => false);
    if (trial.gap.relative > tolerance) return trial;
    if (worst === undefined || trial.gap.relative > worst.gap.relative) worst = trial;
  }
  return worst;
}

/** The smallest piece that ends in a target and is off: producers join until it is. */
async function growPiece(candidate: Candidate, target: Target, tolerance: number): Promise<Trial> {
  const open = new Set<string>();
  for (;;) {
    const trial = await candidate.try(target, (tensor) => open.has(tensor));
    if (trial.gap.relative > tolerance || trial.piece.borders.length === 0) return trial;
    for (const tensor of trial.piece.borders) open.add(tensor);
  }
}

/** The first beginning of the graph that is off while only its end is visible. */
async function tryBeginnings(
  candidate: Candidate,
  tolerance: number,
  worst: Trial,
): Promise<{ trial: Trial; note: string } | undefined> {
  for (const target of candidate.listTargets()) {
    const whole = await candidate.try(target, () => true);
    if (!(whole.gap.relative > tolerance)) continue;
    const trial = await growPiece(candidate, target, tolerance);
    const { nodes } = trial.piece;
    if (worst.gap.relative >= NOTABLE_SHARE * tolerance && nodes.includes(worst.node)) {
      const note =
        'No node alone is off by more than the tolerance: differences add up until ' +
        `\`${target.node.name}\` exceeds it, and this node adds most.`;
      return { trial: worst, note };
    }
    const note =
      'Not reproducible with visible intermediates: every node alone is right (the most that one is off by is ' +
      `${worst.gap.max.toPrecision(3)}, \`${worst.node.name}\`), these ${nodes.length} together are not. ` +
      'Either the runtime fuses them, or rounding adds up.';
    return { trial, note };
  }
  return undefined;
}

/**
 * Finds the first node whose result is off although its inputs are right.
 *
 * @param reference the side that is believed; its values are all held in memory, so a small batch is best
 * @param candidate the side that is doubted: the same file elsewhere, or another with the same names of nodes
 * @param feeds     inputs of both files
 * @returns undefined when the outputs agree within the tolerance
 * @throws GanError `BAD_ARGUMENT` for files that have no names in common or a tolerance below 0, `BAD_MODEL_FILE` for
 *         bytes that are no model, and whatever the reference throws
 */
export async function bisectDivergence(
  reference: Side,
  candidate: Side,
  feeds: TensorMap,
  { tolerance = DEFAULT_TOLERANCE }: BisectOptions = {},
): Promise<Divergence | undefined> {
  if (!(tolerance >= 0)) throw expected('bisect', 'a tolerance of at least 0', tolerance);
  const original = readModel(reference.bytes, 'reference');
  const model = readModel(candidate.bytes, 'candidate');
  const pairs = pairTensors(model, original);
  if (pairs.size === 0) {
    const remedy = 'Bisect one file on two devices, or two exports of one network.';
    throw expected('bisect', 'two files with nodes of the same names', 'none in common', remedy);
  }
  const { results: wanted, engine } = await runOnce(reference, reference.bytes, feeds);
  const whole = await compareWhole(candidate, model, pairs, wanted, feeds);
  if (!(whole.gap.relative > tolerance)) return undefined;

  const known = { model: original, types: inferElementTypes(original) };
  const values = await recordValues(known, reference.open, feeds, [...pairs.values()]);
  const recorded = new Map(
    [...pairs].flatMap(([own, twin]) => (values.has(twin) ? [[own, values.get(twin)!] as const] : [])),
  );
  const doubted = new Candidate(candidate, { model, types: inferElementTypes(model) }, recorded, feeds);

  const twins = new Map(original.nodes.map((node) => [node.name, node]));
  const finish = ({ node, tensor, piece, gap }: Trial, note: string): Divergence => ({
    node: node.name,
    operator: node.op,
    tensor,
    maxDifference: gap.max,
    at: gap.at,
    expected: gap.expected,
    got: gap.got,
    note: [note, ...explainChange(node, model, twins.get(node.name), original), gap.failure ?? '']
      .join(' ')
      .trim(),
    tolerance,
    reference: engine,
    candidate: whole.engine ?? doubted.engine,
    nodes: piece.nodes.map(({ name }) => name),
    model: piece.bytes,
    feeds: piece.feeds,
    output: piece.outputs.get(tensor)!,
    // What is recorded crossed a border, where it became float32; outputs of a generator are that anyway.
    expectedOutput: (doubted.expectedOf(tensor) ?? wanted[pairs.get(tensor)!]!) as FloatTensor,
  });

  const alone = await tryAlone(doubted, tolerance);
  if (alone && alone.gap.relative > tolerance) {
    return finish(alone, 'This node ran on the inputs that the reference has: the difference is its own.');
  }
  const beginning = alone && (await tryBeginnings(doubted, tolerance, alone));
  if (beginning) return finish(beginning.trial, beginning.note);
  const outputs = new Map([[whole.tensor, whole.tensor]]);
  const piece = { bytes: candidate.bytes, feeds, nodes: model.nodes, borders: [], outputs };
  const node = model.producers.get(whole.tensor)!;
  return finish(
    { node, tensor: whole.tensor, piece, gap: whole.gap },
    'Not reproducible with visible intermediates, nor with a beginning of the graph: only the whole file is off.',
  );
}
