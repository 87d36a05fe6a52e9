/**
 * ONNX Runtime in a real Chromium as a runtime of Node's: its sessions live in a page, and each call goes there and back.
 * For comparing and testing, not for serving. The page's side is src/web/session-page.ts, bundled in dist/site.
 */
import { checkRun, disposedSession, requireDevice } from '../../runtimes/contract.js';
import { messageOf } from '../core/errors.js';
import { allocate, type PlainTensor, sizeOf, type TensorMap } from '../core/tensor.js';
import type { OpenOptions, Probe, Runtime, Session } from '../core/types.js';
import { prepareSessionPage, type SessionPage } from './session-page.js';

const NAME = 'onnxruntime-web';

/** Device -> what the page calls it. */
const DEVICES: Readonly<Record<string, 'wasm' | 'webgpu'>> = {
  'wasm in Chromium': 'wasm',
  'webgpu in Chromium': 'webgpu',
};

/** Bytes of a file in one message; the browser takes 100 MiB, and base64 is a third longer. */
const PIECE_BYTES = 24 * 2 ** 20;

/** One device in Chromium, ready to be tried. */
export interface ChromiumCandidate {
  readonly runtime: string;
  readonly device: string;
  probe(): Promise<Probe>;
  open(bytes: Uint8Array): Promise<Session>;
}

/** The devices in Chromium, each in a browser of its own that starts when it is first asked. */
export interface ChromiumRuntimes {
  readonly candidates: readonly ChromiumCandidate[];
  /** The same as a runtime, with these devices. */
  readonly runtime: Runtime;
  /** Ends the browsers, and the sessions in them; a later call starts them anew. */
  close(): Promise<void>;
}

function encodeBytes({ buffer, byteOffset, byteLength }: ArrayBufferView): string {
  return Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength).toString('base64');
}

interface SentTensor extends Omit<PlainTensor, 'data'> {
  readonly data: string;
}

function decodeTensor({ shape, dtype, data: text }: SentTensor): PlainTensor {
  const data = allocate(dtype, sizeOf(shape));
  new Uint8Array(data.buffer).set(Buffer.from(text, 'base64'));
  return { shape, dtype, data };
}

async function openInPage(page: SessionPage, bytes: Uint8Array, options: OpenOptions): Promise<Session> {
  // The pieces of two files must not mix.
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
    await page.call('send', encodeBytes(bytes.subarray(at, at + PIECE_BYTES)));
  }
  const opened = await page.call('open', { ...options, device: DEVICES[options.device] });
  const { id, version, engine, inputs, outputs } = opened as Session & { id: number };
  const { ended } = page;
  let isOpen = true;

  const run = async (feeds: TensorMap, into: TensorMap = {}): Promise<TensorMap> => {
    if (!isOpen || page.ended !== ended) throw disposedSession(NAME);
    checkRun(NAME, inputs, outputs, feeds, into);
    const sent = Object.entries(feeds).map(([name, tensor]) => [
      name,
      { ...tensor, data: encodeBytes(tensor.data) },
    ]);
    const answer = (await page.call('run', id, Object.fromEntries(sent))) as Record<string, SentTensor>;
    const results: TensorMap = {};
    for (const { name } of outputs) {
      const tensor = decodeTensor(answer[name]!);
      const place = into[name];
      place?.data.set(tensor.data);
      results[name] = place ?? tensor;
    }
    return results;
  };

  const dispose = async (): Promise<void> => {
    if (!isOpen) return;
    isOpen = false;
    if (page.ended === ended) await page.call('dispose', id);
  };
  return {
    runtime: NAME,
    device: options.device,
    version,
    ...(engine === undefined ? {} : { engine }),
    inputs,
    outputs,
    run,
    dispose,
  };
}

/** The devices of onnxruntime-web in Chromium. The caller closes them. */
export async function openChromiumRuntimes(): Promise<ChromiumRuntimes> {
  const pages: Readonly<Record<string, SessionPage>> = Object.fromEntries(
    Object.entries(DEVICES).map(([device, name]) => [
      device,
      prepareSessionPage({ webgpu: name === 'webgpu' }),
    ]),
  );
  const devices = Object.keys(DEVICES);
  let turn: Promise<unknown> = Promise.resolve();

  const probe = async (device: string): Promise<Probe> => {
    const page = pages[device];
    if (!page) return { ok: false, reason: `It has no device named ${device}.` };
    try {
      return (await page.call('probe', DEVICES[device])) as Probe;
    } catch (error) {
      return { ok: false, reason: messageOf(error) };
    }
  };
  const open = async (bytes: Uint8Array, options: OpenOptions): Promise<Session> => {
    requireDevice(NAME, devices, options.device);
    const session = turn.then(() => openInPage(pages[options.device]!, bytes, options));
    turn = session.catch(() => undefined);
    return await session;
  };
  const close = async (): Promise<void> => {
    await Promise.all(Object.values(pages).map((page) => page.close()));
  };
  const candidates = devices.map((device) => ({
    runtime: NAME,
    device,
    probe: () => probe(device),
    open: (bytes: Uint8Array) => open(bytes, { device }),
  }));
  return { candidates, runtime: { name: NAME, devices, probe, open }, close };
}
