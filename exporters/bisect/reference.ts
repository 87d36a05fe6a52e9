/**
 * The reference's side of bisecting: which of its tensors stand for which of the candidate's, and their values, made
 * visible some at a time. It knows nothing of the candidate but its graph.
 */
import type { PlainTensor, TensorMap } from '../../src/core/tensor.js';
import type { Session } from '../../src/core/types.js';
import type { Model } from '../proto/read-model.js';
import { canTravel, cutPiece, selectNodes, type TypedModel } from './cut.js';

/** Tensors that are made visible in one session; more would hold more memory at once. */
const VISIBLE_AT_ONCE = 16;

/**
 * Tensor of the candidate -> tensor of the reference that holds the same, if both are right: results of nodes of the
 * same name, and outputs of the whole by name or else by position.
 */
export function pairTensors(candidate: Model, reference: Model): Map<string, string> {
  const pairs = new Map<string, string>();
  const nodes = new Map(reference.nodes.map((node) => [node.name, node]));
  for (const { name, outputs } of candidate.nodes) {
    const twin = nodes.get(name);
    outputs.forEach((tensor, at) => {
      if (tensor !== '' && twin?.outputs[at]) pairs.set(tensor, twin.outputs[at]);
    });
  }
  const names = reference.outputs.map(({ name }) => name ?? '');
  candidate.outputs.forEach(({ name }, at) => {
    const own = name ?? '';
    const twin = names.includes(own) ? own : names[at];
    if (twin !== undefined && candidate.producers.has(own)) pairs.set(own, twin);
  });
  return pairs;
}

/** Extent of the first axis of the first feed: the batch, where the model has one. */
export function batchOf({ inputs }: Model, feeds: TensorMap): number | undefined {
  return feeds[inputs[0]?.name ?? '']?.shape[0];
}

/**
 * Values of tensors of the reference, as float32; those of a type that does not travel are absent.
 *
 * @param open opens a model where the reference runs
 */
export async function recordValues(
  typed: TypedModel,
  open: (bytes: Uint8Array) => Promise<Session>,
  feeds: TensorMap,
  tensors: readonly string[],
): Promise<Map<string, PlainTensor>> {
  const { model } = typed;
  const visible = [...new Set(tensors)].filter(
    (tensor) => model.producers.has(tensor) && canTravel(typed, tensor),
  );
  const given = new Map(Object.entries(feeds));
  const values = new Map<string, PlainTensor>();
  for (let from = 0; from < visible.length; from += VISIBLE_AT_ONCE) {
    const targets = visible.slice(from, from + VISIBLE_AT_ONCE);
    const nodes = selectNodes(model, targets, () => false);
    const piece = cutPiece(typed, nodes, targets, given, batchOf(model, feeds));
    const session = await open(piece.bytes);
    try {
      const results = await session.run(piece.feeds);
      for (const [tensor, name] of piece.outputs) values.set(tensor, results[name]!);
    } finally {
      await session.dispose();
    }
  }
  return values;
}
