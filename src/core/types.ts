/**
 * The types that several rooms share: what a generator is, and what can run it.
 * Types only; nothing here has behaviour.
 */
import type { DType, PlainTensor, TensorMap } from './tensor.js';

/** How latents are drawn: N(0, 1), or U(−√3, √3), which has unit variance too (the 2014 paper's noise). */
export type LatentDistribution = 'normal' | 'uniform';

/** What a generator takes and gives. */
export interface GeneratorShape {
  /** Length of one latent vector z. */
  readonly latentSize: number;
  readonly latentDistribution: LatentDistribution;
  /** [H, W, C]; points of D dimensions are [1, 1, D]. */
  readonly imageShape: readonly [number, number, number];
  /** The values that stand for black and white: [-1, 1] for tanh, [0, 1] for sigmoid. */
  readonly imageRange: readonly [number, number];
  /** `points` are drawn as a scatter plot, not as pictures. */
  readonly kind: 'images' | 'points';
  /** Class names, when the generator is conditional. */
  readonly labels?: readonly string[];
  /** Bounds of uniform latents where they are others than ±√3, as in files that other tools wrote. */
  readonly latentRange?: readonly [number, number];
}

/** Name, element type and shape of a session's input or output; `-1` or a string is a free dimension. */
export interface ValueInfo {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly (number | string)[];
}

/** Threads that each hold a session of one file, as they are at this moment. */
export interface WorkerState {
  /** How many there are to be. */
  readonly workers: number;
  /** Threads that one operator takes in each of them. */
  readonly threads: number;
  /** How many work on a run. */
  readonly busy: number;
  /** Runs that wait for one. */
  readonly queued: number;
  /** How many died and were replaced since the file was opened. */
  readonly replaced: number;
}

/** A loaded model, bound to one runtime and one device. */
export interface Session {
  readonly runtime: string;
  /** The device that really runs it. */
  readonly device: string;
  /** The version of the runtime's package. */
  readonly version: string;
  /** What within the package runs it, where there is a choice: `wasm, 1 thread`, `webgpu (native), swiftshader`. */
  readonly engine?: string;
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  /**
   * Runs the model once.
   *
   * @param feeds every input by name
   * @param into  where results may be written: outputs named here are written in place and these very tensors
   *              are returned, so that state can go round without being copied; they must not be fed in the same call
   * @param signal a session in threads rejects with its reason at once; others run to the end and leave it to the caller
   */
  run(feeds: TensorMap, into?: TensorMap, signal?: AbortSignal): Promise<TensorMap>;
  /** Present where the session lives in threads, and answers as many runs at once. */
  workers?(): WorkerState;
  /** Frees the session; using it afterwards throws. */
  dispose(): Promise<void>;
}

/** Whether a device can be used here, and if not why not. */
export type Probe =
  | { readonly ok: true; readonly detail?: string }
  | { readonly ok: false; readonly reason: string };

/** Options of {@link Runtime.open}. */
export interface OpenOptions {
  /** Exactly one of the runtime's devices; there is no fallback. */
  readonly device: string;
  /** Threads for one operator; the runtime's own choice when absent. */
  readonly threads?: number;
  /** Beginning of the name of a file for the runtime's own profile of each kernel, where it has one. */
  readonly profile?: string;
  /** Address of the folder where ONNX Runtime's .mjs and .wasm files lie; pages only. */
  readonly assets?: string;
  /** Address of the model on a remote server; runtimes that are remote only. */
  readonly url?: string;
  /** Longest wait for one answer of a remote server in milliseconds; a minute when absent. */
  readonly timeoutMs?: number;
}

/** A device that could run a generator, not yet tried. */
export interface DeviceCandidate {
  readonly runtime: string;
  readonly device: string;
  /** @throws GanError `RUNTIME_UNAVAILABLE`, `UNSUPPORTED_OP` or `BAD_MODEL_FILE` */
  open(): Promise<Session>;
}

/** A device that was not taken, and why. */
export interface RefusedDevice {
  readonly runtime: string;
  readonly device: string;
  readonly reason: string;
}

/** A library that can run ONNX files. */
export interface Runtime {
  readonly name: string;
  readonly devices: readonly string[];
  /** Tries the device; never throws. */
  probe(device: string): Promise<Probe>;
  /** @throws GanError `RUNTIME_UNAVAILABLE` or `BAD_MODEL_FILE` */
  open(bytes: Uint8Array, options: OpenOptions): Promise<Session>;
}

/** One image or point of a data set, already at its final size. */
export interface DataItem {
  /** Path or index that names it in messages. */
  readonly name: string;
  /** uint8 [H, W, C] for images, float32 [D] in [-1, 1] for points. */
  readonly values: Uint8Array | Float32Array;
  /** Index into the source's `labels`. */
  readonly label?: number;
}

/** A data set that is ready to be drawn from in any order. */
export interface Dataset {
  /** Short name for run folders: `mnist`, `digits`. */
  readonly name: string;
  readonly kind: 'images' | 'points';
  readonly count: number;
  /** [H, W, C]; points of D dimensions are [1, 1, D]. */
  readonly shape: readonly [number, number, number];
  readonly labels: readonly string[];
  /** SHA-256 (hex) over shape, values and labels, in order: two data sets with one digest hold the same. */
  readonly digest: string;
  /** Files that could not be used, each with its reason. */
  readonly skipped: readonly { readonly name: string; readonly reason: string }[];
  /** Reads items by index: [n, H, W, C], uint8 for images, float32 in [-1, 1] for points. */
  read(indices: ArrayLike<number>): Promise<PlainTensor>;
  /** Label of each item, or undefined where the source has none. */
  readonly labelOf?: Int32Array;
  close(): Promise<void>;
}
