/**
 * A remote server that speaks the Open Inference Protocol v2 over HTTP, such as Triton, KServe or MLServer. The file is
 * not sent there: the server has to hold the same model, and is refused when it states another one.
 * It does not know what a model means. https://github.com/kserve/open-inference-protocol
 */
import { expected, messageOf } from '../src/core/errors.js';
import type { TensorMap } from '../src/core/tensor.js';
import type { OpenOptions, Probe, Runtime, Session } from '../src/core/types.js';
import { checkRun, disposedSession, requireDevice, requireThreads, unavailable } from './contract.js';
import { type Address, findAddressText, NAME, NO_ADDRESS, readAddress } from './open-inference/address.js';
import { type Connection, connect } from './open-inference/connection.js';
import { readInterface } from './open-inference/file-interface.js';
import { decodeAnswer, encodeRequest } from './open-inference/messages.js';
import { askServer, matchModel, type RemoteModel } from './open-inference/remote-model.js';

const DEVICES = ['remote'];

function wrapSession(
  address: Address,
  connection: Connection,
  { server, inputs, outputs }: RemoteModel,
): Session {
  const inputInfos = inputs.map(({ info }) => info);
  const outputInfos = outputs.map(({ info }) => info);
  let open = true;

  const run = async (feeds: TensorMap, into: TensorMap = {}): Promise<TensorMap> => {
    if (!open) throw disposedSession(NAME);
    checkRun(NAME, inputInfos, outputInfos, feeds, into);
    const { body, headers } = encodeRequest(inputs, outputs, feeds, server.isBinary);
    const answer = await connection.post(`${address.model}/infer`, body, headers).catch((error: unknown) => {
      throw open ? error : disposedSession(NAME);
    });
    const results = decodeAnswer(answer, inputs, outputs, feeds);
    for (const [name, place] of Object.entries(into)) {
      const { shape, data } = results[name]!;
      if (place.shape.join() !== shape.join())
        throw expected(NAME, `a place for \`${name}\` of shape [${shape.join(', ')}]`, place.shape);
      place.data.set(data);
      results[name] = place;
    }
    return results;
  };

  const dispose = async (): Promise<void> => {
    open = false;
    connection.close();
  };
  return {
    runtime: NAME,
    device: DEVICES[0]!,
    version: server.version,
    engine: `${server.name}, tensors as ${server.isBinary ? 'bytes' : 'JSON'}`,
    inputs: inputInfos,
    outputs: outputInfos,
    run,
    dispose,
  };
}

/** The adapter; the model's URL is an option of `open`, or stands in `GANX_OPEN_INFERENCE_URL`. */
export const openInference: Runtime = {
  name: NAME,
  devices: DEVICES,

  async probe(device: string): Promise<Probe> {
    if (!DEVICES.includes(device)) return { ok: false, reason: `It has no device named ${device}.` };
    const url = findAddressText();
    if (url === undefined) return { ok: false, reason: NO_ADDRESS };
    try {
      const address = readAddress(url);
      const { version } = await askServer(address, connect(address));
      return { ok: true, detail: version };
    } catch (error) {
      return { ok: false, reason: messageOf(error).replace(`[${NAME}] `, '') };
    }
  },

  async open(bytes: Uint8Array, options: OpenOptions): Promise<Session> {
    requireDevice(NAME, DEVICES, options.device);
    requireThreads(NAME, options.threads);
    const file = readInterface(bytes);
    const url = options.url ?? findAddressText();
    if (url === undefined) throw unavailable(NAME, 'a server', NO_ADDRESS);
    const address = readAddress(url);
    const connection = connect(address, options.timeoutMs);
    return wrapSession(address, connection, await matchModel(address, connection, file));
  },
};
