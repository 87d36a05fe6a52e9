/**
 * `--engine auto`: the one place that chooses among the engines, by the figures in bench/README.md.
 * It loads nothing itself; whoever calls hands in how to find out whether an engine works here.
 */
import { GanError } from '../../core/errors.js';
import type { Probe } from '../../core/types.js';
import { type EngineName, expectDevice } from './table.js';

/** An engine on one of its devices. */
export interface EngineOnDevice {
  readonly engine: EngineName;
  readonly device: string;
}

interface Candidate extends EngineOnDevice {
  readonly why: string;
  /** Taken only when its device is named: nothing measured says that it is the fastest anywhere. */
  readonly onlyByName?: true;
}

/** Fastest first. On wasm no convolution can be trained, so that nobody gets it without asking. */
const ORDER: readonly Candidate[] = [
  { engine: 'tensorflow', device: 'cuda', why: 'TensorFlow uses a CUDA device here' },
  { engine: 'onnxruntime', device: 'cuda', why: 'it has a CUDA device here', onlyByName: true },
  { engine: 'onnxruntime', device: 'webgpu', why: 'it is the one with WebGPU', onlyByName: true },
  { engine: 'onnxruntime', device: 'cpu', why: 'the compiled step is the fastest on a CPU' },
  { engine: 'tensorflow', device: 'cpu', why: 'nothing faster works here' },
  { engine: 'tfjs', device: 'wasm', why: 'it is the one with WebAssembly', onlyByName: true },
  { engine: 'tfjs', device: 'cpu', why: 'nothing faster works here' },
];

/** What was chosen and, unless the engine was named, why; and what would have come before it. */
export interface EngineChoice extends EngineOnDevice {
  readonly why?: string;
  readonly refused: readonly (EngineOnDevice & { readonly reason: string })[];
}

/**
 * The fastest engine that works here, among those that were asked for.
 *
 * @param wish an engine, a device, both or neither
 * @param probe says whether an engine works on a device, or why not
 * @throws GanError `BAD_ARGUMENT` for a device that the engine lacks, `RUNTIME_UNAVAILABLE` when none works
 */
export async function chooseEngine(
  wish: { readonly engine?: EngineName | undefined; readonly device?: string | undefined },
  probe: (candidate: EngineOnDevice) => Promise<Probe>,
): Promise<EngineChoice> {
  if (wish.device !== undefined) expectDevice(wish.engine, wish.device);
  const candidates = ORDER.filter(
    ({ engine, device, onlyByName }) =>
      (wish.engine === undefined || wish.engine === engine) &&
      (wish.device === undefined ? onlyByName === undefined : wish.device === device),
  );
  const refused: (EngineOnDevice & { reason: string })[] = [];
  for (const { engine, device, why } of candidates) {
    const found = await probe({ engine, device });
    if (found.ok) return { engine, device, refused, ...(wish.engine ? {} : { why }) };
    refused.push({ engine, device, reason: found.reason });
  }
  const reasons = refused.map(({ engine, device, reason }) => `Not ${engine} on ${device}: ${reason}`);
  throw new GanError(
    'RUNTIME_UNAVAILABLE',
    'train',
    `Expected an engine that works here, got \`none\`. ${reasons.join(' ')} See \`ganx doctor\`, or take --engine auto.`,
  );
}
