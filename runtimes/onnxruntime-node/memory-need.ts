/**
 * How much memory the values of a model will take, told before any of it is taken: the native library asks the system
 * for whatever a file says, and a system that grants more than it has ends the process, or another one.
 */
import type * as Ort from 'onnxruntime-node';
import { GanError } from '../../src/core/errors.js';
import { encodeOutline } from './outline.js';

/**
 * The part of the memory that one value may take: the values that go into a node and come out of it are there at once,
 * and so is everything else on the machine.
 */
const SHARE = 1 / 4;

const BYTES_OF: Readonly<Record<string, number>> = { float32: 4, float16: 2, float64: 8, int64: 8, int32: 4 };

interface Size {
  readonly name: string;
  /** With each free dimension as 1. */
  readonly sizeBytes: number;
}

/** The largest values of a model: that of a fixed size, and that with a free dimension, such as the batch. */
export interface MemoryNeed {
  readonly fixed: Size;
  readonly free: Size;
  /** Bytes that one value may take here. */
  readonly limitBytes: number;
}

async function findLimit(): Promise<number> {
  const { totalmem } = await import('node:os');
  // 0 where nothing but the machine limits the process.
  const constrained = process.constrainedMemory() || Number.POSITIVE_INFINITY;
  return SHARE * Math.min(totalmem(), constrained);
}

/**
 * Lets the library infer the shapes of all values. One to two milliseconds for a generator.
 *
 * @returns undefined when it cannot: the model itself will tell why
 */
export async function estimateNeed(ort: typeof Ort, model: Uint8Array): Promise<MemoryNeed | undefined> {
  let outline: Ort.InferenceSession;
  try {
    const bytes = encodeOutline(model);
    if (!bytes) return undefined;
    outline = await ort.InferenceSession.create(bytes, {
      executionProviders: ['cpu'],
      graphOptimizationLevel: 'disabled',
      intraOpNumThreads: 1,
      logSeverityLevel: 4,
    });
  } catch {
    return undefined;
  }
  let fixed: Size = { name: '', sizeBytes: 0 };
  let free = fixed;
  for (const value of outline.outputMetadata) {
    if (!value.isTensor) continue;
    const extents = value.shape.map((extent) =>
      typeof extent === 'number' && extent >= 0 ? extent : undefined,
    );
    const count = extents.reduce<number>((product, extent) => product * (extent ?? 1), 1);
    const size = { name: value.name, sizeBytes: count * (BYTES_OF[value.type] ?? 1) };
    if (extents.includes(undefined)) {
      if (size.sizeBytes > free.sizeBytes) free = size;
    } else if (size.sizeBytes > fixed.sizeBytes) fixed = size;
  }
  await outline.release();
  return { fixed, free, limitBytes: await findLimit() };
}

const inGigabytes = (bytes: number): string => `${(bytes / 1e9).toPrecision(3)} GB`;

/**
 * Refuses what would not fit, before it is computed.
 *
 * @param batch what the free dimensions stand for
 * @throws GanError `BAD_MODEL_FILE` when not even a batch of one fits, otherwise `BAD_ARGUMENT`
 */
export function requireMemory(where: string, { fixed, free, limitBytes }: MemoryNeed, batch: number): void {
  const scaled = { name: free.name, sizeBytes: free.sizeBytes * batch };
  const { name, sizeBytes } = scaled.sizeBytes > fixed.sizeBytes ? scaled : fixed;
  if (sizeBytes <= limitBytes) return;
  const isHopeless = Math.max(fixed.sizeBytes, free.sizeBytes) > limitBytes;
  throw new GanError(
    isHopeless ? 'BAD_MODEL_FILE' : 'BAD_ARGUMENT',
    where,
    `Expected values of at most ${inGigabytes(limitBytes)}, a quarter of the memory, ` +
      `got \`${name} of ${inGigabytes(sizeBytes)}\`. ` +
      (isHopeless ? 'Take another file or a larger machine.' : 'Take a smaller batch.'),
  );
}
