/**
 * Probes a device of onnxruntime-node in a short-lived process of its own: a graphics driver may write to stderr past
 * every logger, hang, or take the process with it, and none of that should reach the user's.
 */
import { messageOf } from '../../src/core/errors.js';
import type { Probe } from '../../src/core/types.js';
import { encodeProbeModel, explainFailure } from '../probe-model.js';

/** A software driver may compile its shaders for seconds on a busy machine. */
const TIMEOUT_MS = 60_000;

/** Stands before the child's answer, since a driver may write to stdout as well. */
const MARK = 'ganx-probe ';

/**
 * What the child runs; its arguments are the library's path, the device and the model.
 * It is plain text, so that it is the same in the sources, in the package and under a test runner.
 */
const CHILD = `
  const [library, device, model] = process.argv.slice(1);
  const answer = (value) => process.stdout.write('\\n${MARK}' + JSON.stringify(value) + '\\n');
  const probe = async () => {
    const ort = require(library);
    ort.env.logLevel = 'fatal';
    const session = await ort.InferenceSession.create(Buffer.from(model, 'base64'), {
      executionProviders: [device],
      logSeverityLevel: 3,
      extra: { session: { disable_cpu_ep_fallback: '1' } },
    });
    const { y } = await session.run({ x: new ort.Tensor('float32', Float32Array.of(3), [1]) });
    answer({ sum: y.data[0], version: ort.env.versions.node });
  };
  probe().catch((error) => answer({ message: error.message }));
`;

interface Answer {
  readonly sum?: number;
  readonly version?: string;
  readonly message?: string;
}

/** Starts the child and gives what it wrote; `failure` when it did not end well. */
async function runChild(arguments_: readonly string[]): Promise<{ stdout: string; failure?: string }> {
  const { execFile } = await import('node:child_process');
  return await new Promise((resolve) => {
    const options = { timeout: TIMEOUT_MS, killSignal: 'SIGKILL', windowsHide: true } as const;
    execFile(process.execPath, ['-e', CHILD, ...arguments_], options, (error, stdout) => {
      if (!error) resolve({ stdout });
      else if (error.killed) resolve({ stdout, failure: `It did not answer within ${TIMEOUT_MS / 1000} s.` });
      else if (error.signal) resolve({ stdout, failure: `Its driver crashed (${error.signal}).` });
      else resolve({ stdout, failure: `Its process ended with code ${error.code}.` });
    });
  });
}

/**
 * Runs the probe model on the device alone, in another process.
 *
 * @param device a device of onnxruntime-node that is not the CPU
 */
export async function probeInChild(device: string): Promise<Probe> {
  let library: string;
  try {
    const { createRequire } = await import('node:module');
    library = createRequire(import.meta.url).resolve('onnxruntime-node');
  } catch (error) {
    return { ok: false, reason: explainFailure(new Error(messageOf(error))) };
  }
  const model = Buffer.from(encodeProbeModel()).toString('base64');
  const { stdout, failure } = await runChild([library, device, model]);
  const line = stdout.split('\n').find((one) => one.startsWith(MARK));
  if (line === undefined) return { ok: false, reason: failure ?? 'Its process ended without an answer.' };
  const answer = JSON.parse(line.slice(MARK.length)) as Answer;
  if (answer.message !== undefined) return { ok: false, reason: explainFailure(new Error(answer.message)) };
  if (answer.sum !== 6) return { ok: false, reason: `It computed 3 + 3 = ${answer.sum}.` };
  return { ok: true, detail: answer.version ?? 'unknown' };
}
