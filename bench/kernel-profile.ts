/**
 * Reads ONNX Runtime's own profile: how long each node's kernel took, and on which shapes. A kernel that uses several
 * threads counts with its wall time. It knows no training.
 * https://onnxruntime.ai/docs/performance/tune-performance/profiling-tools.html
 */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { expected } from '../src/core/errors.js';

/** `[{"float": [100, 784]}, …]`, the inputs that a node really has. */
const TYPES = z.array(z.record(z.string(), z.array(z.number())));

const EVENTS = z.array(
  z.object({
    cat: z.string(),
    name: z.string(),
    ts: z.number(),
    dur: z.number(),
    args: z
      .object({
        op_name: z.string().optional(),
        provider: z.string().optional(),
        input_type_shape: TYPES.optional(),
        output_type_shape: TYPES.optional(),
      })
      .optional(),
  }),
);

/** One run of one node's kernel. */
export interface KernelRun {
  /** Which of the session's runs it belongs to, from 0. */
  readonly run: number;
  readonly node: string;
  readonly op: string;
  /** ONNX Runtime's name of what ran it: `CPUExecutionProvider`. */
  readonly provider: string;
  readonly inputs: readonly (readonly number[])[];
  readonly output: readonly number[];
  readonly ms: number;
}

/** Nodes that only run other nodes, which the profile names too: their time would count twice. */
const CONTROL_FLOW = ['Loop', 'If', 'Scan'];
const SUFFIX = '_kernel_time';

/**
 * Gives `work` the beginning of a profile's file name to open a session with, and reads the profile that the session
 * left when it was disposed of.
 *
 * @returns what `work` returned, and every kernel that ran, in order
 */
export async function withProfile<T>(
  work: (prefix: string) => Promise<T>,
): Promise<{ result: T; kernels: KernelRun[] }> {
  const folder = await mkdtemp(join(tmpdir(), 'ganx-profile-'));
  try {
    const result = await work(join(folder, 'profile'));
    const files = await readdir(folder);
    if (files.length !== 1) throw expected('bench', 'one profile from ONNX Runtime', files.length);
    const text = await readFile(join(folder, files[0]!), 'utf8');
    return { result, kernels: readKernels(JSON.parse(text)) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function readKernels(profile: unknown): KernelRun[] {
  const events = EVENTS.parse(profile);
  const starts = events.filter(({ name }) => name === 'model_run').map(({ ts }) => ts);
  return events.flatMap(({ cat, name, ts, dur, args }) => {
    const op = args?.op_name;
    if (cat !== 'Node' || op === undefined || !name.endsWith(SUFFIX)) return [];
    if (CONTROL_FLOW.includes(op)) return [];
    const shapesOf = (types: z.infer<typeof TYPES> = []) => types.map((type) => Object.values(type)[0] ?? []);
    return [
      {
        run: starts.filter((start) => start <= ts).length - 1,
        node: name.slice(0, -SUFFIX.length),
        op,
        provider: args?.provider ?? '',
        inputs: shapesOf(args?.input_type_shape),
        output: shapesOf(args?.output_type_shape)[0] ?? [],
        ms: dur / 1000,
      },
    ];
  });
}
