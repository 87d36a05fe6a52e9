/**
 * Where a compiled step's time goes: the engine trains a few steps in a session that profiles itself.
 * What it reads comes from kernel-profile.ts; how fast single kernels could be is limit.ts's business.
 */
import { onnxruntimeNode } from '../runtimes/onnxruntime-node.js';
import type { Session } from '../src/core/types.js';
import { openSessionEngine } from '../src/train/engines/session-engine.js';
import { enterEngine, warmUp } from './contender.js';
import { type KernelRun, withProfile } from './kernel-profile.js';
import { formatNumber, type Report } from './report.js';
import type { Workload } from './workload.js';

/** A profiled stretch of training. */
export interface StepProfile {
  readonly steps: number;
  /** Of the profiled steps, feeds and all, per step. */
  readonly wallMs: number;
  /** Sum of the kernels' times, per step. */
  readonly kernelMs: number;
  readonly kernels: readonly KernelRun[];
  /** The very model that ran. */
  readonly model: Uint8Array;
}

const PROFILED_STEPS = 16;
const OPERATORS = 10;

/** Trains some steps with the profiler on; profiling itself takes some microseconds a kernel. */
export async function profileStep(workload: Workload): Promise<StepProfile> {
  let runs = 0;
  let model: Uint8Array | undefined;
  const open = async (bytes: Uint8Array, profile: string): Promise<Session> => {
    model = bytes;
    const session = await onnxruntimeNode.open(bytes, { device: 'cpu', profile });
    const run: Session['run'] = (feeds, into) => {
      runs += 1;
      return session.run(feeds, into);
    };
    return { ...session, run };
  };
  const { result, kernels } = await withProfile(async (profile) => {
    const contender = await enterEngine(
      ({ gan, step, begin }) => openSessionEngine(gan, step, begin, (bytes) => open(bytes, profile)),
      workload,
    );
    try {
      await warmUp(contender);
      const warmingRuns = runs;
      return { warmingRuns, ...(await contender.run(PROFILED_STEPS)) };
    } finally {
      await contender.dispose();
    }
  });
  const { steps, wallMs, warmingRuns } = result;
  const counted = kernels.filter(({ run }) => run >= warmingRuns);
  return {
    steps,
    wallMs: wallMs / steps,
    kernelMs: counted.reduce((sum, { ms }) => sum + ms, 0) / steps,
    kernels: counted,
    model: model!,
  };
}

/** The operators that take most of the step, the rest, and what is outside all kernels. */
export function reportProfile(title: string, { steps, wallMs, kernelMs, kernels }: StepProfile): Report {
  const operators = new Map<string, { count: number; ms: number }>();
  for (const { op, ms } of kernels) {
    const { count, ms: before } = operators.get(op) ?? { count: 0, ms: 0 };
    operators.set(op, { count: count + 1, ms: before + ms });
  }
  const ranked = [...operators]
    .map(([op, { count, ms }]) => ({ op, countPerStep: count / steps, msPerStep: ms / steps }))
    .sort((a, b) => b.msPerStep - a.msPerStep);
  const row = (op: string, count: number, ms: number) => [
    op,
    count.toFixed(0),
    formatNumber(ms),
    `${((ms / wallMs) * 100).toFixed(1)} %`,
  ];
  const rest = ranked.slice(OPERATORS);
  const sum = (key: 'countPerStep' | 'msPerStep'): number =>
    rest.reduce((total, item) => total + item[key], 0);
  return {
    title: `Where the step's time goes: ${title}`,
    head: ['operator', 'kernels a step', 'ms/step', 'share'],
    rows: [
      ...ranked.slice(0, OPERATORS).map((item) => row(item.op, item.countPerStep, item.msPerStep)),
      ...(rest.length > 0 ? [row(`${rest.length} others`, sum('countPerStep'), sum('msPerStep'))] : []),
      row('all kernels', kernels.length / steps, kernelMs),
      [
        'outside kernels',
        '',
        formatNumber(wallMs - kernelMs),
        `${((1 - kernelMs / wallMs) * 100).toFixed(1)} %`,
      ],
    ],
    notes: [`By ONNX Runtime's own profile of ${steps} steps, which took ${formatNumber(wallMs)} ms each.`],
    numbers: { steps, wallMs, kernelMs, operators: ranked },
  };
}
