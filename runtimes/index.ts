/**
 * The runtimes by name, each loaded only when asked for, and `auto`, the one place that chooses among them.
 * It knows no runtime's library.
 */
import { expected, GanError } from '../src/core/errors.js';
import type { Probe, Runtime, Session } from '../src/core/types.js';

const LOADERS: Readonly<Record<string, () => Promise<Runtime>>> = {
  'onnxruntime-node': async () => (await import('./onnxruntime-node.js')).onnxruntimeNode,
  'onnxruntime-web': async () => (await import('./onnxruntime-web.js')).onnxruntimeWeb,
  tensorflow: async () => (await import('./tensorflow.js')).tensorflow,
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
  { runtime: 'onnxruntime-node', device: 'cpu' },
  { runtime: 'onnxruntime-web', device: 'wasm' },
];

/** The session that `auto` chose (it states runtime and device), and every candidate before it with the reason against it. */
export interface AutoChoice {
  readonly session: Session;
  readonly refused: readonly (Candidate & { readonly reason: string })[];
}

/**
 * Opens a model on the first candidate that can be used here. The caller disposes the session.
 *
 * @throws GanError `RUNTIME_UNAVAILABLE` with all reasons when none can; `BAD_MODEL_FILE` at once, since a broken
 *   file is broken everywhere
 */
export async function openAuto(
  bytes: Uint8Array,
  options: { readonly candidates?: readonly Candidate[]; readonly threads?: number } = {},
): Promise<AutoChoice> {
  const { candidates = autoCandidates, ...rest } = options;
  const refused: (Candidate & { reason: string })[] = [];
  for (const candidate of candidates) {
    const runtime = await loadRuntime(candidate.runtime);
    try {
      return { session: await runtime.open(bytes, { ...rest, device: candidate.device }), refused };
    } catch (error) {
      const elsewhere =
        error instanceof GanError && ['RUNTIME_UNAVAILABLE', 'UNSUPPORTED_OP'].includes(error.code);
      if (!elsewhere) throw error;
      refused.push({ ...candidate, reason: error.message });
    }
  }
  const reasons = refused.map(({ runtime, device, reason }) => `${runtime}/${device}: ${reason}`);
  throw new GanError(
    'RUNTIME_UNAVAILABLE',
    'runtimes',
    `Expected a usable runtime, got \`none\`. ${reasons.join(' ') || 'Name at least one candidate.'}`,
  );
}
