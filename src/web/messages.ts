/**
 * What a page and its worker say to each other: requests with a number, and answers that carry the number back.
 * Types, and the way of an error through `postMessage`, which drops its class. It knows neither page nor worker.
 */
import { GanError, type GanErrorCode, messageOf } from '../core/errors.js';
import type { FloatTensor } from '../core/tensor.js';
import type { Generator, LatentDescription, SampleOptions, Samples } from '../sample/index.js';

/** How far loading has come. */
export interface LoadProgress {
  /** `download`: the file is on its way. `open`: it is here, and the runtime prepares it. */
  readonly phase: 'download' | 'open';
  readonly loadedBytes: number;
  /** Absent where the server does not say. */
  readonly totalBytes?: number;
}

/** A generator's file, as it gets to the worker. */
export type SentFile = Blob | Uint8Array;

/** Loads a generator into the worker; the first request, and the only one of its kind. The file follows it. */
export interface LoadRequest {
  readonly type: 'load';
  readonly device: string;
  readonly threads?: number | undefined;
  /** Absolute address of the folder with ONNX Runtime's files, ending in a slash. */
  readonly assets?: string | undefined;
  readonly describe?: LatentDescription | undefined;
}

/** Draws samples. */
export interface SampleRequest {
  readonly type: 'sample';
  readonly options: Omit<SampleOptions, 'signal'>;
}

/** Runs the model on given latents. */
export interface RunRequest {
  readonly type: 'run';
  readonly latents: FloatTensor;
  readonly labels?: Int32Array | undefined;
}

export type Request = LoadRequest | SampleRequest | RunRequest;

/** What is known of a generator that the worker holds. */
export interface LoadedGenerator
  extends Pick<Generator, 'metadata' | 'runtime' | 'device' | 'version' | 'engine' | 'refused' | 'labelled'> {
  /** Size of the file. */
  readonly sizeBytes: number;
}

/** The result of each request by its type. */
export interface Results {
  readonly load: LoadedGenerator;
  readonly sample: Samples;
  readonly run: FloatTensor;
}

/** Page to worker. */
export type ToWorker =
  | { readonly id: number; readonly request: Request }
  | { readonly id: number; readonly cancel: true }
  | { readonly file: SentFile };

/** Worker to page. */
export type ToPage =
  | { readonly id: number; readonly progress: LoadProgress }
  | { readonly id: number; readonly result: Results[keyof Results] }
  | { readonly id: number; readonly failure: Failure };

/** An error as plain data. */
export interface Failure {
  readonly code: GanErrorCode | undefined;
  readonly where: string;
  readonly message: string;
  /** The worker's WebAssembly module has broken off; nothing in it can be used any more. */
  readonly isFatal: boolean;
}

/** Whether WebAssembly itself broke off somewhere below: what it left in memory cannot be trusted. */
function isFatal(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof WebAssembly.RuntimeError || /\bRuntimeError\b/.test(cause.message)) return true;
  }
  return false;
}

/** An error as it crosses to the page. */
export function packError(error: unknown): Failure {
  const fatal = isFatal(error);
  if (!(error instanceof GanError)) {
    return { code: undefined, where: 'worker', message: messageOf(error), isFatal: fatal };
  }
  const { code, where, reason } = error;
  return { code, where, message: reason, isFatal: fatal };
}

/** The error on the page's side. */
export function unpackError({ code, where, message }: Failure): GanError {
  if (code !== undefined) return new GanError(code, where, message);
  const remedy = 'Load the generator again.';
  return new GanError(
    'RUNTIME_UNAVAILABLE',
    where,
    `Expected the worker to answer, got \`${message}\`. ${remedy}`,
  );
}
