/**
 * The machine's own limit: the matrix products and convolutions of a step, each run by itself on the same shapes, by
 * ONNX Runtime and by PyTorch. A step cannot be faster than these, whatever else is saved around them.
 */
import { availableParallelism } from 'node:os';
import type { onnx as Onnx } from 'onnx-proto';
import { expected, messageOf } from '../src/core/errors.js';
import { sizeOf } from '../src/core/tensor.js';
import { PythonPeer } from './peer.js';
import { formatNumber, type Report } from './report.js';
import { listOptimizedNodes, readAttributes, type SingleNode, timeNode } from './single-node.js';
import type { StepProfile } from './step-profile.js';

/** Operators that multiply; the names of their fused forms end alike. */
const PRODUCTS = ['Gemm', 'MatMul', 'Conv', 'ConvTranspose'];
const ROWS = 8;
/** A product large enough to show what the machine can do at its best. */
const LARGE = 2048;

/** All nodes of a step that do the same on the same shapes. */
export interface Product extends SingleNode {
  /** `Gemm A'·B [100, 1200] [100, 784]`. */
  readonly title: string;
  /** Multiplications and additions of one run. */
  readonly operations: number;
  countPerStep: number;
  /** In the step, all of them together. */
  msPerStep: number;
}

interface TimedProduct extends Product {
  /** By themselves, all of them together. */
  readonly aloneMs: number;
  readonly torchMs: number | undefined;
}

function plainName(op: string): string {
  return op.replace(/^Fused/, '');
}

function countOperations({ node, inputs, output }: SingleNode): number {
  const [first, second] = inputs as [readonly number[], readonly number[]];
  const perChannel = sizeOf(second) / second[0]!;
  const op = plainName(node.opType ?? '');
  if (op === 'Conv') return 2 * sizeOf(output) * perChannel;
  if (op === 'ConvTranspose') return 2 * sizeOf(first) * perChannel;
  const isTransposed = readAttributes(node).transA === 1;
  return 2 * sizeOf(output) * first.at(isTransposed ? -2 : -1)!;
}

function titleOf({ node, inputs }: SingleNode): string {
  const { transA, transB, alpha, strides } = readAttributes(node);
  const marks = [
    transA === 1 ? " A'" : '',
    transB === 1 ? " B'" : '',
    typeof alpha === 'number' && alpha !== 1 ? ` alpha ${alpha.toPrecision(2)}` : '',
    strides ? ` stride ${strides}` : '',
  ].join('');
  return `${node.opType}${marks} ${inputs.map((shape) => shape.join('x')).join(', ')}`;
}

/** The distinct products of a profiled step, those that take most of it first. */
export async function listProducts({ kernels, model, steps }: StepProfile): Promise<Product[]> {
  const nodes = await listOptimizedNodes(model);
  const products = new Map<string, Product>();
  for (const { node: name, op, inputs, output, ms } of kernels) {
    if (!PRODUCTS.includes(plainName(op))) continue;
    const node = nodes.get(name);
    if (!node) throw expected('bench', 'the profile to name nodes of the optimized model', name);
    const key = JSON.stringify([op, readAttributes(node), inputs]);
    const single = { node, inputs, output };
    const product = products.get(key) ?? {
      ...single,
      title: titleOf(single),
      operations: countOperations(single),
      countPerStep: 0,
      msPerStep: 0,
    };
    product.countPerStep += 1 / steps;
    product.msPerStep += ms / steps;
    products.set(key, product);
  }
  return [...products.values()].sort((a, b) => b.msPerStep - a.msPerStep);
}

/** PyTorch's milliseconds for the same products, in their order; or why there are none. */
async function timeInTorch(
  singles: readonly SingleNode[],
): Promise<{ times: readonly (number | undefined)[]; skipped?: string }> {
  const peer = new PythonPeer('products.py', [String(availableParallelism())]);
  try {
    await peer.read();
    const times: number[] = [];
    for (const { node, inputs } of singles) {
      const { ms } = await peer.ask({ op: plainName(node.opType ?? ''), inputs, ...readAttributes(node) });
      times.push(Number(ms));
    }
    return { times };
  } catch (error) {
    return { times: [], skipped: messageOf(error) };
  } finally {
    peer.end();
  }
}

/** Times every product of a profiled step by itself. */
export async function benchLimit(title: string, profile: StepProfile): Promise<Report> {
  const products = await listProducts(profile);
  const shape = [LARGE, LARGE];
  const large: Onnx.INodeProto = { opType: 'MatMul', name: 'large' };
  const scale: SingleNode = { node: large, inputs: [shape, shape], output: shape };
  const alone: number[] = [];
  for (const single of [...products, scale]) alone.push(await timeNode(single));
  const { times: torch, skipped } = await timeInTorch([...products, scale]);
  const timed = products.map((product, i): TimedProduct => {
    const torchMs = torch[i];
    return {
      ...product,
      aloneMs: alone[i]! * product.countPerStep,
      torchMs: torchMs === undefined ? undefined : torchMs * product.countPerStep,
    };
  });
  const sumRow = (what: string, items: readonly TimedProduct[]): string[] => {
    const sum = (read: (item: TimedProduct) => number): number =>
      items.reduce((all, item) => all + read(item), 0);
    const operations = sum((item) => item.operations * item.countPerStep);
    const aloneMs = sum((item) => item.aloneMs);
    return [
      what,
      sum((item) => item.countPerStep).toFixed(0),
      formatNumber(sum((item) => item.msPerStep)),
      formatNumber(aloneMs),
      skipped === undefined ? formatNumber(sum((item) => item.torchMs!)) : 'SKIP',
      formatNumber(operations / aloneMs / 1e6),
    ];
  };
  const rest = timed.slice(ROWS);
  const largeMs = alone.at(-1)!;
  const largeTorch = torch.at(-1);
  return {
    title: `The machine's own limit: ${title}`,
    head: ['product', 'a step', 'ms in the step', 'ms alone', 'ms alone in PyTorch', 'GFLOP/s alone'],
    rows: [
      ...timed.slice(0, ROWS).map((item) => sumRow(item.title, [item])),
      ...(rest.length > 0 ? [sumRow(`${rest.length} other shapes`, rest)] : []),
      sumRow('all products', timed),
      [
        `for scale: MatMul ${LARGE}x${LARGE}`,
        '',
        '',
        formatNumber(largeMs),
        largeTorch === undefined ? 'SKIP' : formatNumber(largeTorch),
        formatNumber((2 * LARGE ** 3) / largeMs / 1e6),
      ],
    ],
    notes: skipped === undefined ? [] : [`SKIP PyTorch: ${skipped}`],
    numbers: {
      products: timed.map(({ title, operations, countPerStep, msPerStep, aloneMs, torchMs }) => {
        return { title, operations, countPerStep, msPerStep, aloneMs, torchMs };
      }),
      large: { ms: largeMs, torchMs: largeTorch },
    },
  };
}
