/**
 * A small real server of the Open Inference Protocol v2 in front of ONNX Runtime, with and without the extension for
 * tensors as bytes. It shares no code with the client under test.
 * https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_rest.md
 */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { InferenceSession, Tensor } from 'onnxruntime-node';

const WIRE = {
  float32: 'FP32',
  float16: 'FP16',
  int32: 'INT32',
  uint8: 'UINT8',
  bool: 'BOOL',
  int64: 'INT64',
};
const ARRAY = {
  FP32: Float32Array,
  FP16: Uint16Array,
  INT32: Int32Array,
  UINT8: Uint8Array,
  BOOL: Uint8Array,
};
const LENGTH = 'inference-header-content-length';

interface WireTensor {
  readonly name: string;
  readonly shape: number[];
  readonly datatype: keyof typeof ARRAY;
  readonly data?: (number | boolean)[];
  readonly parameters?: { readonly binary_data_size?: number; readonly binary_data?: boolean };
}

interface InferRequest {
  readonly inputs: readonly WireTensor[];
  readonly outputs?: readonly WireTensor[];
}

/** A request's answer. */
interface Reply {
  readonly status: number;
  readonly json?: unknown;
  /** Tensors behind the JSON. */
  readonly blobs?: readonly Uint8Array[];
}

/** What a test sees of the server, and how it breaks it. */
export interface InferenceServer {
  /** The URL of a model that holds these bytes. */
  addressOf(bytes: Uint8Array): string;
  /** `GET /v2/models/…` and so on, in the order in which they came. */
  readonly requests: string[];
  /** How many connections were opened so far. */
  readonly connections: () => number;
  /** Answers a request in place of the server; gives false to let the server answer. */
  intercept: (request: IncomingMessage, response: ServerResponse) => boolean;
  close(): Promise<void>;
}

class Refusal extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

function splitBody(
  headers: IncomingMessage['headers'],
  body: Buffer,
): { message: InferRequest; rest: Buffer } {
  const length = headers[LENGTH] === undefined ? body.length : Number(headers[LENGTH]);
  return { message: JSON.parse(body.subarray(0, length).toString()), rest: body.subarray(length) };
}

async function infer(
  session: InferenceSession,
  headers: IncomingMessage['headers'],
  body: Buffer,
): Promise<Reply> {
  const { message, rest } = splitBody(headers, body);
  const feeds: Record<string, Tensor> = {};
  let at = 0;
  for (const { name, shape, datatype, data, parameters } of message.inputs) {
    const type = Object.entries(WIRE).find(([, wire]) => wire === datatype)![0] as 'float32';
    const size = parameters?.binary_data_size;
    if (size === undefined) {
      if (datatype === 'FP16') throw new Refusal(400, 'FP16 has no form in JSON');
      feeds[name] = new Tensor(type, ARRAY[datatype].from(data!.map(Number)) as Float32Array, shape);
    } else {
      const { buffer: own } = new Uint8Array(rest.subarray(at, at + size));
      feeds[name] = new Tensor(type, new ARRAY[datatype](own) as Float32Array, shape);
      at += size;
    }
  }
  const results = await session.run(feeds).catch(({ message: said }: Error) => {
    throw new Refusal(400, said);
  });
  const blobs: Uint8Array[] = [];
  // Not in the order of the request, which nothing promises.
  const outputs = Object.entries(results)
    .reverse()
    .map(([name, { type, dims, data }]) => {
      const head = { name, shape: dims, datatype: WIRE[type as 'float32'] };
      const wanted = message.outputs?.find((one) => one.name === name);
      const values = data as Float32Array;
      if (!wanted?.parameters?.binary_data)
        return { ...head, data: Array.from(values, (value) => (type === 'bool' ? Boolean(value) : value)) };
      blobs.push(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
      return { ...head, parameters: { binary_data_size: values.byteLength } };
    });
  return { status: 200, json: { model_name: 'test', outputs }, ...(blobs.length > 0 ? { blobs } : {}) };
}

function describeModel(name: string, { inputMetadata, outputMetadata }: InferenceSession): unknown {
  const describe = (values: readonly InferenceSession.ValueMetadata[]) =>
    values.map((value) => {
      if (!value.isTensor) throw new Refusal(500, `${value.name} is no tensor`);
      const shape = value.shape.map((extent) => (typeof extent === 'string' ? -1 : extent));
      return { name: value.name, datatype: WIRE[value.type as 'float32'], shape };
    });
  const [inputs, outputs] = [describe(inputMetadata), describe(outputMetadata)];
  return { name, versions: ['1'], platform: 'onnxruntime_onnx', inputs, outputs };
}

function send(response: ServerResponse, { status, json, blobs }: Reply): void {
  const head = Buffer.from(json === undefined ? '' : JSON.stringify(json));
  const body = Buffer.concat([head, ...(blobs ?? [])]);
  response.writeHead(status, {
    'content-type': blobs ? 'application/octet-stream' : 'application/json',
    ...(blobs ? { [LENGTH]: head.length } : {}),
    'content-length': body.length,
  });
  response.end(body);
}

/** Starts a server on a free port; `binary` says whether it has the extension for tensors as bytes. */
export async function startInferenceServer(binary: boolean): Promise<InferenceServer> {
  const files = new Map<string, Uint8Array>();
  const sessions = new Map<string, Promise<InferenceSession>>();
  const requests: string[] = [];
  let connections = 0;

  const open = (name: string): Promise<InferenceSession> => {
    const bytes = files.get(name);
    if (!bytes) throw new Refusal(404, `Request for unknown model: '${name}' is not found`);
    const settings = { logSeverityLevel: 4 } as const;
    const session = sessions.get(name) ?? InferenceSession.create(bytes, settings);
    sessions.set(name, session);
    return session;
  };

  const answer = async ({ method, url = '', headers }: IncomingMessage, body: Buffer): Promise<Reply> => {
    if (url === '/v2/health/ready' || url === '/v2/health/live') return { status: 200 };
    const extensions = binary ? ['model_repository', 'binary_tensor_data'] : [];
    if (url === '/v2') return { status: 200, json: { name: 'ganx-test', version: '2.7.1', extensions } };
    const [, name = '', verb = ''] = /^\/v2\/models\/([^/]+)(?:\/versions\/1)?(?:\/(\w+))?$/.exec(url) ?? [];
    const session = await open(name);
    if (method === 'POST' && verb === 'infer') return await infer(session, headers, body);
    if (verb === 'ready') return { status: 200 };
    return { status: 200, json: describeModel(name, session) };
  };

  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    if (self.intercept(request, response)) return;
    buffer(request)
      .then((body) => answer(request, body))
      .catch((error: Error) => ({
        status: error instanceof Refusal ? error.status : 500,
        json: { error: error.message },
      }))
      .then((reply) => send(response, reply));
  });
  server.on('connection', () => {
    connections += 1;
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;

  const self: InferenceServer = {
    addressOf: (bytes) => {
      const name = createHash('sha256').update(bytes).digest('hex').slice(0, 16);
      files.set(name, bytes);
      return `http://127.0.0.1:${port}/v2/models/${name}`;
    },
    requests,
    connections: () => connections,
    intercept: () => false,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      for (const session of sessions.values()) await (await session).release();
    },
  };
  return self;
}
