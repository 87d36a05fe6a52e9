/**
 * The page's side of runtimes in a browser: sessions that whoever drives the page opens and runs by way of
 * `globalThis.ganxSessions`. All that crosses is JSON: tensors and files travel as base64, errors as plain values.
 * It knows no driver; the other side is src/browser/page-runtime.ts.
 */
import { ganxWasm } from '../../runtimes/ganx-wasm.js';
import { onnxruntimeWeb } from '../../runtimes/onnxruntime-web-page.js';
import { GanError, messageOf } from '../core/errors.js';
import type { DType, TensorData, TensorMap } from '../core/tensor.js';
import type { OpenOptions, Probe, Runtime, Session, ValueInfo } from '../core/types.js';

/** A tensor whose elements are base64 of little-endian bytes. */
interface SentTensor {
  readonly shape: readonly number[];
  readonly dtype: DType;
  readonly data: string;
}

/** What an opened session says of itself. */
interface SentSession {
  readonly id: number;
  readonly version: string;
  readonly engine: string;
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
}

/** A result, or the error in its place; the code is absent when it is no {@link GanError}. */
type Answer<T> =
  | { readonly value: T }
  | { readonly error: { readonly code?: string; readonly where?: string; readonly message: string } };

const CLASS_OF = { float32: Float32Array, int32: Int32Array, uint8: Uint8Array, bool: Uint8Array } as const;

function decodeBytes(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}

function encodeBytes(data: TensorData): string {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  let text = '';
  // One call takes only so many arguments.
  for (let at = 0; at < bytes.length; at += 0x8000) {
    text += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  }
  return btoa(text);
}

async function answer<T>(task: () => Promise<T>): Promise<Answer<T>> {
  try {
    return { value: await task() };
  } catch (error) {
    if (error instanceof GanError) {
      const { code, where, message } = error;
      return { error: { code, where, message } };
    }
    return { error: { message: messageOf(error) } };
  }
}

const RUNTIMES: Readonly<Record<string, Runtime>> = {
  [onnxruntimeWeb.name]: onnxruntimeWeb,
  [ganxWasm.name]: ganxWasm,
};

const sessions = new Map<number, Session>();
let lastId = 0;
let pieces: Uint8Array<ArrayBuffer>[] = [];

/** What the driver calls. */
const ganxSessions = {
  probe: (runtime: string, device: string): Promise<Answer<Probe>> =>
    answer(() => RUNTIMES[runtime]!.probe(device)),

  /** Takes the next piece of the file that `open` opens. */
  send(piece: string): void {
    pieces.push(decodeBytes(piece));
  },

  open: (runtime: string, options: OpenOptions): Promise<Answer<SentSession>> =>
    answer(async () => {
      const bytes = new Uint8Array(await new Blob(pieces).arrayBuffer());
      pieces = [];
      const session = await RUNTIMES[runtime]!.open(bytes, options);
      const { version, engine = '', inputs, outputs } = session;
      sessions.set(++lastId, session);
      return { id: lastId, version, engine, inputs, outputs };
    }),

  run: (
    id: number,
    feeds: Readonly<Record<string, SentTensor>>,
  ): Promise<Answer<Record<string, SentTensor>>> =>
    answer(async () => {
      const fed: TensorMap = {};
      for (const [name, { shape, dtype, data }] of Object.entries(feeds)) {
        fed[name] = { shape, dtype, data: new CLASS_OF[dtype](decodeBytes(data).buffer) };
      }
      const results: Record<string, SentTensor> = {};
      for (const [name, { shape, dtype, data }] of Object.entries(await sessions.get(id)!.run(fed))) {
        results[name] = { shape, dtype, data: encodeBytes(data) };
      }
      return results;
    }),

  dispose: (id: number): Promise<Answer<null>> =>
    answer(async () => {
      await sessions.get(id)?.dispose();
      sessions.delete(id);
      return null;
    }),
};

Object.assign(globalThis, { ganxSessions });
