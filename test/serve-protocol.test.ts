/**
 * The Open Inference Protocol v2 as `ganx serve` speaks it, on a real port: JSON and bytes, against the library in this
 * process; our own `open-inference` runtime as a client; and a public client, Python's `tritonclient[http]`, where
 * `GANX_TRITON_PYTHON` names a Python that has it.
 * https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_rest.md
 */
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { encodeNpy } from '../src/core/npy.js';
import { loadGenerator } from '../src/load-generator.js';
import { drawLatents, type Generator } from '../src/sample/index.js';
import { toNchw } from '../src/sample/layout.js';
import { ganxOk, makeWorkplace } from './support/cli.js';
import { encodeLabelledGenerator } from './support/labelled-generator.js';
import { type Served, startServe } from './support/serve.js';
import { encodeGoldenGenerator } from './support/served-model.js';

const folder = makeWorkplace();
const LENGTH = 'inference-header-content-length';
let server: Served;
let files: Record<'plain' | 'labelled' | 'planes', Uint8Array>;
let plain: Generator;
let labelled: Generator;
let planes: Generator;

beforeAll(async () => {
  files = {
    plain: await encodeGoldenGenerator(),
    labelled: await encodeLabelledGenerator(3),
    planes: await encodeGoldenGenerator({ layout: 'nchw', seed: 5 }),
  };
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(folder, `${name}.onnx`), bytes);
  const open = (bytes: Uint8Array) => loadGenerator(bytes, { device: 'cpu', threads: 1 });
  [plain, labelled, planes] = [await open(files.plain), await open(files.labelled), await open(files.planes)];
  const names = Object.keys(files).map((name) => `${name}.onnx`);
  server = await startServe([...names, '--max-count', '32', '--workers', '1'], folder);
});

const infer = (model: string, body: unknown, headers: Record<string, string> = {}) =>
  fetch(`${server.url}/v2/models/${model}/infer`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' || body instanceof Uint8Array ? (body as BodyInit) : JSON.stringify(body),
  });

const latents = (generator: Generator, count: number) => drawLatents(generator.metadata, 8, 0, count);

/** JSON with bytes behind it. */
function withBytes(message: object, ...blobs: readonly ArrayBufferView[]) {
  const head = Buffer.from(JSON.stringify(message));
  const bytes = blobs.map((blob) => Buffer.from(blob.buffer, blob.byteOffset, blob.byteLength));
  return { body: Buffer.concat([head, ...bytes]), headers: { [LENGTH]: String(head.length) } };
}

async function readBinary(response: Response) {
  const bytes = new Uint8Array(await response.arrayBuffer());
  const length = Number(response.headers.get(LENGTH));
  const message = JSON.parse(new TextDecoder().decode(bytes.subarray(0, length)));
  return { message, values: new Float32Array(bytes.slice(length).buffer) };
}

describe('the server', () => {
  it('says what it is and that it is well', async () => {
    const get = async (path: string) => (await fetch(`${server.url}${path}`)).json();
    expect(await get('/v2')).toEqual({
      name: 'ganx',
      version: expect.any(String),
      extensions: ['binary_tensor_data'],
    });
    expect(await get('/v2/health/live')).toEqual({ live: true });
    expect(await get('/v2/health/ready')).toEqual({ ready: true });
    expect(await get('/v2/models/plain/ready')).toEqual({ name: 'plain', ready: true });
  });

  it.each(['/v2/models/labelled', '/v2/models/labelled/versions/1'])('describes %s', async (path) => {
    const description = await (await fetch(`${server.url}${path}`)).json();
    expect(description).toEqual({
      name: 'labelled',
      versions: ['1', expect.stringMatching(/^[0-9a-f]{16}$/)],
      platform: 'onnxruntime_onnx',
      inputs: [
        { name: 'latents', datatype: 'FP32', shape: [-1, 6] },
        { name: 'labels', datatype: 'INT32', shape: [-1] },
      ],
      outputs: [{ name: 'images', datatype: 'FP32', shape: [-1, 10, 8, 3] }],
    });
  });

  it('states the axes of the file', async () => {
    const description = (await (await fetch(`${server.url}/v2/models/planes`)).json()) as {
      outputs: object[];
    };
    expect(description.outputs[0]).toMatchObject({ shape: [-1, 3, 6, 5] });
  });

  it.each([
    '/v2/models/none',
    '/v2/models/plain/versions/2',
    '/v2/models/none/ready',
    '/v2/models/plain/config',
  ])('knows no %s', async (path) => {
    const response = await fetch(`${server.url}${path}`);
    expect(response.status).toBe(404);
    expect(await response.json()).toEqual({ error: expect.any(String) });
  });
});

describe('inference', () => {
  it.each([1, 3])('in JSON, of %i', async (count) => {
    const z = latents(plain, count);
    const input = { name: 'latents', shape: [count, 7], datatype: 'FP32', data: Array.from(z.data) };
    const response = await infer('plain', { id: 'a', inputs: [input] });
    const answer = (await response.json()) as { outputs: { data: number[] }[] };
    const { data } = await plain.run(z);
    expect(response.status).toBe(200);
    expect(answer).toMatchObject({
      model_name: 'plain',
      id: 'a',
      outputs: [{ name: 'images', shape: [count, 6, 5, 3] }],
    });
    expect(Float32Array.from(answer.outputs[0]!.data)).toEqual(data);
  });

  it('of nested lists', async () => {
    const z = latents(plain, 2);
    const data = [Array.from(z.data.subarray(0, 7)), Array.from(z.data.subarray(7))];
    const response = await infer('plain', {
      inputs: [{ name: 'latents', shape: [2, 7], datatype: 'FP32', data }],
    });
    const answer = (await response.json()) as { outputs: { data: number[] }[] };
    expect(Float32Array.from(answer.outputs[0]!.data)).toEqual((await plain.run(z)).data);
  });

  it.each([false, true])(
    'in bytes there and back, with classes (as a column: %s) and in the axes of the file',
    async (column) => {
      const z = latents(labelled, 4);
      const classes = Int32Array.of(2, 0, 1, 1);
      const { body, headers } = withBytes(
        {
          inputs: [
            {
              name: 'latents',
              shape: [4, 6],
              datatype: 'FP32',
              parameters: { binary_data_size: z.data.byteLength },
            },
            {
              name: 'labels',
              shape: column ? [4, 1] : [4],
              datatype: 'INT32',
              parameters: { binary_data_size: 16 },
            },
          ],
          outputs: [{ name: 'images', parameters: { binary_data: true } }],
        },
        z.data,
        classes,
      );
      const { message, values } = await readBinary(await infer('labelled', body, headers));
      expect(message.outputs).toEqual([
        {
          name: 'images',
          shape: [4, 10, 8, 3],
          datatype: 'FP32',
          parameters: { binary_data_size: values.byteLength },
        },
      ]);
      expect(values).toEqual((await labelled.run(z, classes)).data);

      const other = latents(planes, 2);
      const mixed = await infer('planes', {
        inputs: [{ name: 'latents', shape: [2, 7], datatype: 'FP32', data: Array.from(other.data) }],
        parameters: { binary_data_output: true },
      });
      const found = await readBinary(mixed);
      expect(found.message.outputs[0].shape).toEqual([2, 3, 6, 5]);
      expect(found.values).toEqual(toNchw((await planes.run(other)).data, planes.metadata.imageShape));
    },
  );

  const z = [0, 0, 0, 0, 0, 0, 0];
  const input = { name: 'latents', shape: [1, 7], datatype: 'FP32', data: z };
  const blob = { name: 'latents', shape: [1, 7], datatype: 'FP32', parameters: { binary_data_size: 28 } };
  const refusals: [string, string, unknown, Record<string, string>, string][] = [
    ['no JSON', 'plain', '{', {}, 'JSON'],
    ['no object', 'plain', [], {}, 'object'],
    ['no inputs', 'plain', {}, {}, 'list of inputs'],
    ['another input', 'plain', { inputs: [{ ...input, name: 'z' }] }, {}, 'have to be latents'],
    ['an input twice', 'plain', { inputs: [input, input] }, {}, 'once'],
    ['another type', 'plain', { inputs: [{ ...input, datatype: 'FP64' }] }, {}, 'FP32 of shape'],
    ['another shape', 'plain', { inputs: [{ ...input, shape: [7] }] }, {}, 'FP32 of shape'],
    ['too many', 'plain', { inputs: [{ ...input, shape: [33, 7] }] }, {}, '1 to 32'],
    ['none', 'plain', { inputs: [{ ...input, shape: [0, 7], data: [] }] }, {}, '1 to 32'],
    ['a shape that overflows', 'plain', { inputs: [{ ...input, shape: [1e300, 7] }] }, {}, 'whole numbers'],
    ['too few values', 'plain', { inputs: [{ ...input, data: [1] }] }, {}, 'has to have 7 numbers'],
    ['a text', 'plain', { inputs: [{ ...input, data: ['1', 0, 0, 0, 0, 0, 0] }] }, {}, 'numbers alone'],
    [
      'infinity',
      'plain',
      '{"inputs":[{"name":"latents","shape":[1,7],"datatype":"FP32","data":[1e999,0,0,0,0,0,0]}]}',
      {},
      'numbers alone',
    ],
    ['another output', 'plain', { inputs: [input], outputs: [{ name: 'x' }] }, {}, 'one output'],
    [
      'classification',
      'plain',
      { inputs: [input], outputs: [{ name: 'images', parameters: { classification: 3 } }] },
      {},
      'binary_data alone',
    ],
    [
      'shared memory',
      'plain',
      { inputs: [{ ...input, parameters: { shared_memory_region: 'a' } }] },
      {},
      'binary_data_size alone',
    ],
    [
      'no classes',
      'labelled',
      { inputs: [{ ...input, shape: [1, 6], data: z.slice(1) }] },
      {},
      'latents and labels',
    ],
    [
      'a class beyond',
      'labelled',
      {
        inputs: [
          { ...input, shape: [1, 6], data: z.slice(1) },
          { name: 'labels', shape: [1], datatype: 'INT32', data: [3] },
        ],
      },
      {},
      'from 0 to 2',
    ],
    [
      'a broken class',
      'labelled',
      {
        inputs: [
          { ...input, shape: [1, 6], data: z.slice(1) },
          { name: 'labels', shape: [1], datatype: 'INT32', data: [0.5] },
        ],
      },
      {},
      'INT32 numbers',
    ],
    ['a header beyond the body', 'plain', { inputs: [input] }, { [LENGTH]: '9999' }, 'within'],
    ['a header of words', 'plain', { inputs: [input] }, { [LENGTH]: '-1' }, 'within'],
    [
      'bytes that are not there',
      'plain',
      withBytes({ inputs: [blob] }).body,
      withBytes({ inputs: [blob] }).headers,
      'bytes that follow',
    ],
    [
      'too many bytes',
      'plain',
      withBytes({ inputs: [blob] }, new Uint8Array(29)).body,
      withBytes({ inputs: [blob] }).headers,
      'take 28 bytes',
    ],
    [
      'bytes that are no numbers',
      'plain',
      withBytes({ inputs: [blob] }, new Uint8Array(28).fill(255)).body,
      withBytes({ inputs: [blob] }).headers,
      'finite',
    ],
  ];
  it.each(refusals)('refuses %s', async (_, model, body, headers, part) => {
    const response = await infer(model, body, headers);
    expect(response.status).toBe(400);
    expect(await response.json()).toEqual({ error: expect.stringContaining(part) });
  });

  it('refuses what it cannot read at all', async () => {
    expect((await infer('plain', 'x', { 'content-encoding': 'gzip' })).status).toBe(415);
    expect((await infer('none', { inputs: [] })).status).toBe(404);
    expect((await fetch(`${server.url}/v2/models/plain/infer`, { method: 'POST' })).status).toBe(400);
  });
});

describe('our own client', () => {
  it.each(['plain', 'labelled', 'planes'] as const)('draws the same images from %s', async (name) => {
    const url = `${server.url}/v2/models/${name}`;
    const remote = await loadGenerator(files[name], { device: 'remote', url });
    const local = { plain, labelled, planes }[name];
    const wish = { count: 5, seed: 3, batch: 2 };
    const [there, here] = [await remote.sample(wish), await local.sample(wish)];
    expect(there.images).toEqual(here.images);
    expect(remote.engine).toBe('ganx, tensors as bytes');
    await remote.dispose();
  });

  it('works from the command line', async () => {
    const url = `${server.url}/v2/models/plain`;
    const line = ['sample', 'plain.onnx', '--count', '4', '--seed', '2', '--device'];
    await ganxOk([...line, 'remote', '--url', url, '--npy', 'there.npy'], folder);
    await ganxOk([...line, 'cpu', '--npy', 'here.npy'], folder);
    const [there, here] = await Promise.all(
      ['there.npy', 'here.npy'].map(async (name) => readFile(join(folder, name))),
    );
    expect(there).toEqual(here);
  });
});

/** Asserts in Python; an exception ends it with another exit code than 0. */
const CLIENT = `
import sys
import numpy
import tritonclient.http as triton
client = triton.InferenceServerClient(sys.argv[1])
latents = numpy.load(sys.argv[2])
wanted = numpy.load(sys.argv[3])
assert client.is_server_live() and client.is_server_ready() and client.is_model_ready("plain")
assert "binary_tensor_data" in client.get_server_metadata()["extensions"]
assert client.get_model_metadata("plain")["inputs"] == [{"name": "latents", "datatype": "FP32", "shape": [-1, 7]}]
for binary in (True, False):
    for outputs in (None, [triton.InferRequestedOutput("images", binary_data=binary)]):
        given = triton.InferInput("latents", list(latents.shape), "FP32")
        given.set_data_from_numpy(latents, binary_data=binary)
        result = client.infer("plain", [given], outputs=outputs, request_id="7", model_version="1")
        images = result.as_numpy("images")
        assert images.dtype == numpy.float32 and images.shape == wanted.shape, images.shape
        assert numpy.array_equal(images, wanted), numpy.abs(images - wanted).max()
        assert result.get_response()["id"] == "7"
try:
    client.infer("nobody", [given])
except triton.InferenceServerException as error:
    assert "no model" in error.message(), error.message()
else:
    raise SystemExit("no error for a model that is not there")
print("well")
`;

describe('a public client', () => {
  const python = process.env.GANX_TRITON_PYTHON || undefined;
  const isRequired = (process.env.GANX_REQUIRE ?? '').split(',').includes('tritonclient');

  it("Python's tritonclient gets metadata and infers, JSON and bytes", async ({ skip }) => {
    if (python === undefined && !isRequired)
      return skip('GANX_TRITON_PYTHON names no Python that has tritonclient[http].');
    const z = latents(plain, 3);

    writeFileSync(join(folder, 'z.npy'), encodeNpy(z));
    writeFileSync(join(folder, 'wanted.npy'), encodeNpy(await plain.run(z)));
    const address = `127.0.0.1:${server.port}`;
    const arguments_ = ['-c', CLIENT, address, join(folder, 'z.npy'), join(folder, 'wanted.npy')];
    const { stdout } = await promisify(execFile)(python!, arguments_, { timeout: 60_000 });
    expect(stdout).toBe('well\n');
  });
});
