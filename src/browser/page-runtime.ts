/**
 * A page's runtimes in a real Chromium as runtimes of Node's: sessions live in a page, and each call goes there and back.
 * For comparing and testing, not for serving. The page's side is src/web/session-page.ts, bundled in dist/site.
 */
import { checkRun, disposedSession, requireDevice } from '../../runtimes/contract.js';
import { messageOf } from '../core/errors.js';
import { allocate, type PlainTensor, sizeOf, type TensorMap } from '../core/tensor.js';
import type { OpenOptions, Probe, Runtime, Session } from '../core/types.js';
import { prepareSessionPage, type SessionPage } from './session-page.js';

/** The devices of each runtime, by what the page calls them. */
const RUNTIMES: Readonly<Record<string, readonly ('wasm' | 'webgpu')[]>> = {
  'onnxruntime-web': ['wasm', 'webgpu'],
  'ganx-wasm': ['wasm'],
};

const PLACE = ' in Chromium';

/** Bytes of a file in one message; the browser takes 100 MiB, and base64 is a third longer. */
const PIECE_BYTES = 24 * 2 ** 20;

/** One device in Chromium, ready to be tried. */
export interface ChromiumCandidate {
  readonly runtime: string;
  readonly device: string;
  probe(): Promise<Probe>;
  open(bytes: Uint8Array): Promise<Session>;
}

/** The devices in Chromium, each kind in a browser of its own that starts when it is first asked. */
export interface ChromiumRuntimes {
  readonly candidates: readonly ChromiumCandidate[];
  /** The same by runtime, with these devices. */
  readonly runtimes: readonly Runtime[];
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

async function openInPage(
  page: SessionPage,
  runtime: string,
  bytes: Uint8Array,
  options: OpenOptions,
): Promise<Session> {
  // The pieces of two files must not mix.
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
    await page.call('send', encodeBytes(bytes.subarray(at, at + PIECE_BYTES)));
  }
  const opened = await page.call('open', runtime, { ...options, device: options.device.replace(PLACE, '') });
  const { id, version, engine, inputs, outputs } = opened as Session & { id: number };
  const { ended } = page;
  let isOpen = true;

  const run = async (feeds: TensorMap, into: TensorMap = {}): Promise<TensorMap> => {
    if (!isOpen || page.ended !== ended) throw disposedSession(runtime);
    checkRun(runtime, inputs, outputs, feeds, into);
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
    runtime,
    device: options.device,
    version,
    ...(engine === undefined ? {} : { engine }),
    inputs,
    outputs,
    run,
    dispose,
  };
}

/** The runtimes of pages in Chromium. The caller closes them. */
export async function openChromiumRuntimes(): Promise<ChromiumRuntimes> {
  const pages = { wasm: prepareSessionPage({ webgpu: false }), webgpu: prepareSessionPage({ webgpu: true }) };
  let turn: Promise<unknown> = Promise.resolve();

  const openRuntime = (name: string): Runtime => {
    const devices = RUNTIMES[name]!.map((device) => device + PLACE);
    const pageOf = (device: string): SessionPage => pages[device.replace(PLACE, '') as keyof typeof pages];
    return {
      name,
      devices,
      async probe(device) {
        if (!devices.includes(device)) return { ok: false, reason: `It has no device named ${device}.` };
        try {
          return (await pageOf(device).call('probe', name, device.replace(PLACE, ''))) as Probe;
        } catch (error) {
          return { ok: false, reason: messageOf(error) };
        }
      },
      async open(bytes, options) {
        requireDevice(name, devices, options.device);
        const session = turn.then(() => openInPage(pageOf(options.device), name, bytes, options));
        turn = session.catch(() => undefined);
        return await session;
      },
    };
  };
  const runtimes = Object.keys(RUNTIMES).map(openRuntime);
  const candidates = runtimes.flatMap((runtime) =>
    runtime.devices.map((device) => ({
      runtime: runtime.name,
      device,
      probe: () => runtime.probe(device),
      open: (bytes: Uint8Array) => runtime.open(bytes, { device }),
    })),
  );
  const close = async (): Promise<void> => {
    await Promise.all(Object.values(pages).map((page) => page.close()));
  };
  return { candidates, runtimes, close };
}
