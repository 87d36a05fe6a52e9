/**
 * The doubted side of bisecting: its file cut into pieces that run on the reference's values. It decides nothing.
 */
import { messageOf } from '../../src/core/errors.js';
import type { PlainTensor, TensorMap } from '../../src/core/tensor.js';
import type { Session } from '../../src/core/types.js';
import type { ModelNode } from '../proto/read-model.js';
import { compareTensors, failedGap, type Gap } from './compare.js';
import { cutPiece, type Piece, selectNodes, type TypedModel } from './cut.js';
import { batchOf } from './reference.js';
import type { Engine, Side } from './types.js';

/** A result of a node, by which the node is judged. */
export interface Target {
  readonly node: ModelNode;
  readonly tensor: string;
}

/** A piece that ends in a target, and how far it is off. */
export interface Trial extends Target {
  readonly piece: Piece;
  readonly gap: Gap;
}

/** Runs a model once where a side runs. */
export async function runOnce(
  side: Side,
  bytes: Uint8Array,
  feeds: TensorMap,
): Promise<{ results: TensorMap; engine: Engine }> {
  const session: Session = await side.open(bytes);
  try {
    const { runtime, device, version, engine } = session;
    const results = await session.run(feeds);
    return { results, engine: { runtime, device, version, ...(engine ? { engine } : {}) } };
  } finally {
    await session.dispose();
  }
}

/** A side under test, with the reference's values by its own names of tensors. */
export class Candidate {
  readonly typed: TypedModel;
  /** What ran it last; undefined while nothing did. */
  engine: Engine | undefined;
  private readonly side: Side;
  private readonly feeds: TensorMap;
  private readonly recorded: ReadonlyMap<string, PlainTensor>;
  private readonly values: ReadonlyMap<string, PlainTensor>;

  constructor(side: Side, typed: TypedModel, recorded: ReadonlyMap<string, PlainTensor>, feeds: TensorMap) {
    this.side = side;
    this.typed = typed;
    this.recorded = recorded;
    this.feeds = feeds;
    this.values = new Map([...recorded, ...Object.entries(feeds)]);
  }

  /** Results of nodes that can be compared, in the graph's order. */
  listTargets(): Target[] {
    return this.typed.model.nodes.flatMap((node) =>
      node.outputs.filter((tensor) => this.recorded.has(tensor)).map((tensor) => ({ node, tensor })),
    );
  }

  /** The reference's value of a tensor. */
  expectedOf(tensor: string): PlainTensor | undefined {
    return this.recorded.get(tensor);
  }

  /** Runs what it takes to compute a tensor from the reference's values, but for those that `isOpen` wants computed too. */
  async try({ node, tensor }: Target, isOpen: (tensor: string) => boolean): Promise<Trial> {
    const { model } = this.typed;
    const nodes = selectNodes(model, [tensor], (name) => this.recorded.has(name) && !isOpen(name));
    const piece = cutPiece(this.typed, nodes, [tensor], this.values, batchOf(model, this.feeds));
    return { node, tensor, piece, gap: await this.measure(piece, tensor) };
  }

  private async measure(piece: Piece, tensor: string): Promise<Gap> {
    try {
      const { results, engine } = await runOnce(this.side, piece.bytes, piece.feeds);
      this.engine = engine;
      return compareTensors(this.recorded.get(tensor)!, results[piece.outputs.get(tensor)!]!);
    } catch (error) {
      return failedGap(messageOf(error));
    }
  }
}
