/**
 * PyTorch as a contender: a long-lived Python process that trains the same networks on the same images, and only
 * when it is asked to. What it does there stands in peers/train.py; the two speak in lines of JSON.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { GanError } from '../src/core/errors.js';
import type { Contender } from './contender.js';
import type { Workload } from './workload.js';

/** How PyTorch runs the step: eagerly as it comes, eagerly in the fastest way, or compiled. */
export type PeerMode = 'default' | 'eager' | 'compile';

type Line = Readonly<Record<string, unknown>>;

/** The scripts stay where they are when TypeScript is compiled: in the project's own folder. */
function findScript(name: string): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json'))) folder = dirname(folder);
  return join(folder, 'bench', 'peers', name);
}

function unavailable(got: string): GanError {
  const remedy =
    'pip install torch==2.13.0, and name that Python in GANX_TORCH_PYTHON if it is not `python3`.';
  return new GanError(
    'RUNTIME_UNAVAILABLE',
    'bench',
    `Expected a Python with PyTorch, got \`${got}\`. ${remedy}`,
  );
}

/** A script under bench/peers at work, which answers each line with a line. */
export class PythonPeer {
  private readonly process: ChildProcess;
  private readonly lines: AsyncIterator<string>;
  private failure: Error | undefined;

  constructor(script: string, args: readonly string[]) {
    const python = process.env.GANX_TORCH_PYTHON || 'python3';
    this.process = spawn(python, [findScript(script), ...args], { stdio: ['pipe', 'pipe', 'ignore'] });
    this.process.on('error', (error) => {
      this.failure = error;
    });
    // Whoever is gone cannot be written to; reading tells that better.
    this.process.stdin!.on('error', () => undefined);
    this.lines = createInterface({ input: this.process.stdout! })[Symbol.asyncIterator]();
  }

  /** The next line. @throws GanError `RUNTIME_UNAVAILABLE` without Python or PyTorch, `UNSUPPORTED_OP` for an error in it */
  async read(): Promise<Line> {
    const { value, done } = await this.lines.next();
    if (done) throw unavailable(this.failure?.message ?? `Python ended with ${this.process.exitCode}`);
    const line = JSON.parse(value) as Line;
    if (line.missing !== undefined) throw unavailable(String(line.missing));
    if (line.error !== undefined) {
      throw new GanError('UNSUPPORTED_OP', 'bench', `Expected PyTorch to train, got \`${line.error}\`.`);
    }
    return line;
  }

  async ask(request: Line): Promise<Line> {
    this.process.stdin!.write(`${JSON.stringify(request)}\n`);
    return await this.read();
  }

  /** Ends the process; it goes when its input ends, or when it is told to in the midst of its work. */
  end(): void {
    this.process.stdin!.end();
    this.process.kill();
  }
}

/**
 * Starts PyTorch on the workload and waits until it has compiled, warmed up and chosen the faster of its ways.
 *
 * @param device as PyTorch calls it
 */
export async function enterPeer(
  mode: PeerMode,
  workload: Workload,
  device: 'cpu' | 'cuda' = 'cpu',
): Promise<Contender> {
  const { model, build, batch } = workload.subject;
  const folder = await mkdtemp(join(tmpdir(), 'ganx-bench-'));
  try {
    const images = join(folder, 'images');
    await writeFile(images, await workload.readImages());
    const { latentSize } = workload.gan.shape;
    const options: Readonly<Record<string, string | number>> = {
      mode,
      device,
      model,
      images,
      image: build.imageShape.join('x'),
      width: build.width,
      latents: latentSize,
      batch,
      'ema-half-life': workload.emaHalfLife,
      threads: availableParallelism(),
    };
    const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
    const peer = new PythonPeer('train.py', args);
    try {
      const ready = await peer.read();
      const seconds = Math.round(Number(ready.warmMs) / 1000);
      return {
        description: `${ready.description} (ms/step in the trial: ${JSON.stringify(ready.trialMs)}; warm after ${seconds} s)`,
        firstLossD: Number(ready.firstLossD),
        async run(steps) {
          const { ms, cpuMs, lossD } = await peer.ask({ steps });
          return { steps, wallMs: Number(ms), cpuMs: Number(cpuMs), lossD: Number(lossD) };
        },
        async profile(steps) {
          return (await peer.ask({ profile: steps })).operatorMs as Record<string, number>;
        },
        async dispose() {
          peer.end();
        },
      };
    } catch (error) {
      peer.end();
      throw error;
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
