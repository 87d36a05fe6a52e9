/** `ganx parity`: every runtime and device against the live generator. */

import { stat } from 'node:fs/promises';
import { openLiveGenerator } from '../../exporters/index.js';
import { listDevices, loadRuntime } from '../../runtimes/index.js';
import { readWholeFile } from '../checkpoint/index.js';
import type { GeneratorMetadata } from '../core/metadata.js';
import type { Session } from '../core/types.js';
import { measureParity, type ParityReport } from '../measure/index.js';
import { readMetadata } from '../sample/index.js';
import { exportWithCheck, findSource } from './export.js';
import { anyText, type FlagValues } from './flags.js';
import { formatTable, paint, printLine } from './print.js';
import type { Verb } from './verb.js';

const flags = {
  json: { describe: 'print JSON' },
  require: { describe: 'names (runtime or runtime/device, by commas) whose SKIP is a FAIL', read: anyText },
};

interface Subject {
  readonly bytes: Uint8Array;
  readonly metadata: GeneratorMetadata;
  readonly reference: Session;
}

/** Whether a path is an ONNX file, and not a run folder or a checkpoint. */
async function isModelFile(path: string): Promise<boolean> {
  if (path.endsWith('.safetensors')) return false;
  return (await stat(path).catch(() => undefined))?.isFile() ?? false;
}

/** A run: its newest snapshot, live. A file: itself, run eagerly by tfjs, op by op. */
async function openSubject(path: string): Promise<Subject> {
  if (!(await isModelFile(path))) {
    const { source } = await findSource(path);
    const { bytes, metadata } = await exportWithCheck(source);
    return { bytes, metadata, reference: await openLiveGenerator(source.gan, source.weights) };
  }
  const bytes = await readWholeFile(path);
  const metadata = readMetadata(bytes);
  return {
    bytes,
    metadata,
    reference: await (await loadRuntime('tensorflow')).open(bytes, { device: 'cpu' }),
  };
}

const COLOUR = { PASS: 'green', FAIL: 'red', SKIP: 'yellow' } as const;

function printReport({ reference, model, latents, rows }: ParityReport): void {
  printLine(
    `${model}: ${latents} latents against ${reference.runtime} ${reference.version} on ${reference.device}`,
  );
  const number = (value: number | undefined): string => value?.toExponential(1) ?? '';
  const table = rows.map((row) => [
    row.status,
    `${row.runtime}/${row.device}`,
    row.version ?? '',
    number(row.maxDifference),
    number(row.meanDifference),
    number(row.tolerance),
    row.batches.join(', '),
    row.reason ?? '',
  ]);
  const head = ['', 'runtime/device', 'version', 'max', 'mean', 'allowed', 'batches', 'why not'];
  const lines = formatTable([head, ...table]).split('\n');
  for (const line of lines) {
    const status = /^(PASS|FAIL|SKIP)/.exec(line)?.[1] as keyof typeof COLOUR | undefined;
    printLine(status ? `${paint(COLOUR[status], status, process.stdout)}${line.slice(status.length)}` : line);
  }
  const used = rows.filter(({ status }) => status !== 'SKIP');
  const reasons = new Map(used.map(({ tolerance, toleranceWhy }) => [number(tolerance), toleranceWhy]));
  for (const [tolerance, why] of reasons) printLine(`allowed ${tolerance}: ${why}.`);
}

async function runParity({ json, require }: FlagValues<typeof flags>, source: string): Promise<void> {
  const { bytes, metadata, reference } = await openSubject(source);
  try {
    const names = require?.split(',').map((name) => name.trim());
    const report = await measureParity(
      bytes,
      metadata,
      reference,
      await listDevices(),
      names ? { require: names } : {},
    );
    if (json) printLine(JSON.stringify(report, null, 2));
    else printReport(report);
    if (!report.ok) process.exitCode = 1;
  } finally {
    await reference.dispose();
  }
}

export const parityVerb: Verb<typeof flags> = {
  name: 'parity',
  describe: 'prove that every runtime here draws the same images',
  path: { name: 'source', describe: 'run folder, snapshot, or generator.onnx' },
  flags,
  examples: [
    ['parity runs/digits-dcgan', 'against the live TensorFlow.js generator'],
    ['parity generator.onnx --require onnxruntime-node/webgpu', 'fail when WebGPU cannot be tried'],
  ],
  run: runParity,
};
