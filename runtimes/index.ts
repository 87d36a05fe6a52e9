/**
 * The runtimes by name, each loaded only when asked for, and what `auto` tries of them in Node, best first.
 * It knows no runtime's library.
 */
import { expected, GanError } from '../src/core/errors.js';
import type { DeviceCandidate, OpenOptions, Probe, Runtime, Session } from '../src/core/types.js';

const LOADERS: Readonly<Record<string, () => Promise<Runtime>>> = {
  'onnxruntime-node': async () => (await import('./onnxruntime-node.js')).onnxruntimeNode,
  'onnxruntime-web': async () => (await import('./onnxruntime-web.js')).onnxruntimeWeb,
  'ganx-wasm': async () => (await import('./ganx-wasm.js')).ganxWasm,
  tensorflow: async () => (await import('./tensorflow.js')).tensorflow,
  'open-inference': async () => (await import('./open-inference.js')).openInference,
};

/** Names that {@link loadRuntime} takes. */
export const runtimeNames: readonly string[] = Object.keys(LOADERS);

/**
 * Loads one adapter; its library is loaded only when a device is probed or a model opened.
 *
 * @throws GanError `BAD_ARGUMENT` for an unknown name
 */
export async function loadRuntime(name: string): Promise<Runtime> {
  const load = Object.hasOwn(LOADERS, name) ? LOADERS[name] : undefined;
  if (!load) throw expected('runtimes', 'a runtime', name, `Known: ${runtimeNames.join(', ')}.`);
  return load();
}

/** One device of one runtime: usable with this version, or not and why. */
export type DeviceReport = { readonly runtime: string; readonly device: string } & (
  | { readonly ok: true; readonly version: string }
  | { readonly ok: false; readonly reason: string }
);

/** Tries every device of every runtime, one after the other. */
export async function probeAll(): Promise<DeviceReport[]> {
  const reports: DeviceReport[] = [];
  for (const { runtime, device, probe } of await listDevices()) {
    const found = await probe();
    reports.push(
      found.ok
        ? { runtime, device, ok: true, version: found.detail ?? 'unknown' }
        : { runtime, device, ok: false, reason: found.reason },
    );
  }
  return reports;
}

/** One device of one runtime, to be tried or opened. */
export interface DeviceHandle {
  readonly runtime: string;
  readonly device: string;
  probe(): Promise<Probe>;
  open(bytes: Uint8Array): Promise<Session>;
}

/** Every device of every runtime, none of them tried yet. */
export async function listDevices(): Promise<DeviceHandle[]> {
  const runtimes = await Promise.all(runtimeNames.map(loadRuntime));
  return runtimes.flatMap((runtime) =>
    runtime.devices.map((device) => ({
      runtime: runtime.name,
      device,
      probe: () => runtime.probe(device),
      open: (bytes: Uint8Array) => runtime.open(bytes, { device }),
    })),
  );
}

/** A runtime and one of its devices. */
export interface Candidate {
  readonly runtime: string;
  readonly device: string;
}

/** What `auto` tries, best first, when nobody says otherwise. */
export const autoCandidates: readonly Candidate[] = [
  { runtime: 'onnxruntime-node', device: 'cuda' },
  { runtime: 'onnxruntime-node', device: 'webgpu' },
  { runtime: 'onnxruntime-node', device: 'cpu' },
  { runtime: 'onnxruntime-web', device: 'wasm' },
];

/**
 * Why `auto` passes a device over without a try: no GPU at all, or one in software, which is slower than the CPU.
 *
 * @returns undefined when only a try can tell
 */
export async function findReasonAgainst({ runtime, device }: Candidate): Promise<string | undefined> {
  if (runtime !== 'onnxruntime-node') return undefined;
  return (await import('./onnxruntime-node/find-graphics.js')).findReasonAgainst(device);
}

/** Opens a file on a runtime by its name; here or in threads. */
export type OpenByName = (runtime: string, options: OpenOptions) => Promise<Session>;

/** Opens a file in this thread. */
export function openHere(bytes: Uint8Array): OpenByName {
  return async (runtime, options) => (await loadRuntime(runtime)).open(bytes, options);
}

/**
 * What `auto` tries for a file, best first; choosing among them is src/sample's.
 *
 * @param open    opens the file; kept until a device is chosen
 * @param runtime only this one's devices
 * @throws GanError `BAD_ARGUMENT` for an unknown runtime
 */
export async function listCandidates(
  open: OpenByName,
  options: Omit<OpenOptions, 'device'> & { readonly runtime?: string } = {},
): Promise<DeviceCandidate[]> {
  const { runtime: name, ...rest } = options;
  const own = autoCandidates.filter(({ runtime }) => name === undefined || runtime === name);
  const candidates =
    own.length > 0 || name === undefined
      ? own
      : (await loadRuntime(name)).devices.map((device) => ({ runtime: name, device }));
  return candidates.map((candidate) => ({
    ...candidate,
    open: async () => {
      const reason = await findReasonAgainst(candidate);
      if (reason !== undefined) throw new GanError('RUNTIME_UNAVAILABLE', candidate.runtime, reason);
      return await open(candidate.runtime, { ...rest, device: candidate.device });
    },
  }));
}
