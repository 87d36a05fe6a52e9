/**
 * The engines and their devices: the one list that the command line, `ganx doctor` and the choice of an engine read.
 * It loads no engine and tries no device.
 */
import { expected } from '../../core/errors.js';

/** Engine -> what it is, and where it can run. */
export const ENGINES = {
  onnxruntime: { describe: 'the step compiled to ONNX', devices: ['cpu', 'webgpu', 'cuda'] },
  tensorflow: { describe: "op by op in TensorFlow's native library", devices: ['cpu', 'cuda'] },
  tfjs: { describe: 'op by op in JavaScript: the reference', devices: ['cpu', 'wasm'] },
} as const satisfies Readonly<Record<string, { describe: string; devices: readonly string[] }>>;

export type EngineName = keyof typeof ENGINES;

/** Names of the engines; `auto` is none of them. */
export const engineNames = Object.keys(ENGINES) as readonly EngineName[];

/** Devices of one engine, or of any. */
export function listEngineDevices(engine?: EngineName): readonly string[] {
  const engines = engine ? [engine] : engineNames;
  return [...new Set(engines.flatMap((name) => ENGINES[name].devices))];
}

/** @throws GanError `BAD_ARGUMENT` that lists the devices of the engine, or of all when none is named */
export function expectDevice(engine: EngineName | undefined, device: string): void {
  const known = listEngineDevices(engine);
  if (known.includes(device)) return;
  const what = engine ? `a device of the engine ${engine}: ` : 'a device of ';
  throw expected('--device', `${what}${known.join(', ')}`, device);
}
