/**
 * What a thread with a session and its owner say to each other, and the way of an error and of tensors between them:
 * `postMessage` drops an error's class, and copies the whole memory below a view. It knows neither side.
 */
import { GanError, type GanErrorCode, messageOf } from '../core/errors.js';
import type { PlainTensor, TensorMap } from '../core/tensor.js';
import type { OpenOptions, Session } from '../core/types.js';
import type { Brake } from './brake.js';

/** What a thread is started with. */
export interface SessionSource {
  /** The file, in shared memory: once for all threads. */
  readonly bytes: Uint8Array<SharedArrayBuffer>;
  readonly runtime: string;
  readonly options: OpenOptions;
}

/** What a session says of itself. */
export type SessionFacts = Pick<Session, 'runtime' | 'device' | 'version' | 'engine' | 'inputs' | 'outputs'>;

/** What a thread says when it starts. */
export interface Hello {
  readonly threadId: number;
  readonly brake: Brake;
}

/** Runs the session; without feeds it only opens it. */
export interface SessionJob {
  readonly feeds?: TensorMap;
}

/** An error as plain data. */
export interface Failure {
  readonly code: GanErrorCode | undefined;
  readonly where: string;
  readonly message: string;
}

/** What comes of a job; that a thread rejects instead means that it has ended. */
export type SessionAnswer =
  | { readonly facts: SessionFacts }
  | { readonly results: TensorMap }
  | { readonly failure: Failure };

export function packError(error: unknown): Failure {
  if (!(error instanceof GanError)) return { code: undefined, where: 'worker', message: messageOf(error) };
  const { code, where, reason } = error;
  return { code, where, message: reason };
}

export function unpackError({ code, where, message }: Failure): GanError {
  if (code !== undefined) return new GanError(code, where, message);
  return new GanError('RUNTIME_UNAVAILABLE', where, `Expected the run to end well, got \`${message}\`.`);
}

/** Tensors that lie alone in their memory, so that no more than they are is copied or moved. */
export function isolate(tensors: TensorMap): TensorMap {
  const alone = ({ data, ...rest }: PlainTensor): PlainTensor => ({
    ...rest,
    data: data.byteLength === data.buffer.byteLength ? data : data.slice(),
  });
  return Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, alone(tensor)]));
}
