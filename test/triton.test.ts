/**
 * `ganx export --triton`: the repository is read by Triton's own protobuf schema (Python's tritonclient ships it), and
 * every warm-up that the configuration asks for is really run, by Python's onnxruntime, as Triton would feed the model.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, type TestContext } from 'vitest';
import { readMetadata } from '../src/sample/index.js';
import { expectRefusal, ganx, ganxOk, makeWorkplace } from './support/cli.js';
import { encodeLabelledGenerator } from './support/labelled-generator.js';
import { encodeModel } from './support/onnx-model.js';

const folder = makeWorkplace();
const run = (line: string): Promise<string> => ganxOk(line.split(' '), folder);
const refuse = async (line: string, ...parts: string[]): Promise<void> =>
  expectRefusal(await ganx(line.split(' '), folder), ...parts);
const list = (path: string): string[] =>
  readdirSync(join(folder, path), { recursive: true }).map(String).sort();

/** Prints the configuration and the shapes that the warm-ups gave; unknown fields and types end it with an error. */
const JUDGE = `
import json, sys
import numpy, onnxruntime
from google.protobuf import json_format, text_format
from tritonclient.grpc import model_config_pb2 as pb
folder = sys.argv[1]
config = text_format.Parse(open(folder + "/config.pbtxt").read(), pb.ModelConfig())
assert text_format.Parse(text_format.MessageToString(config), pb.ModelConfig()) == config
session = onnxruntime.InferenceSession(folder + "/1/" + config.default_model_filename, providers=["CPUExecutionProvider"])
TYPES = {pb.TYPE_FP32: numpy.float32, pb.TYPE_INT32: numpy.int32}
inputs = {one.name: one for one in config.input}
shapes = []
for warmup in config.model_warmup:
    assert set(warmup.inputs) == set(inputs)
    feeds = {}
    for name, value in warmup.inputs.items():
        assert value.data_type == inputs[name].data_type and list(value.dims) == list(inputs[name].dims)
        dims = list(inputs[name].reshape.shape) if inputs[name].HasField("reshape") else list(value.dims)
        batch = [warmup.batch_size] if config.max_batch_size > 0 else []
        draw = numpy.random.default_rng(1).standard_normal if value.random_data else numpy.zeros
        feeds[name] = draw(batch + dims).astype(TYPES[value.data_type])
    for output, result in zip(config.output, session.run([one.name for one in config.output], feeds)):
        assert TYPES[output.data_type] == result.dtype
        assert list(result.shape) == batch + list(output.dims), (result.shape, output.dims)
        shapes.append(list(result.shape))
print(json.dumps({"config": json_format.MessageToDict(config, preserving_proto_field_name=True), "shapes": shapes}))
`;

function findObstacle(): string | undefined {
  try {
    const imports = 'import numpy, onnxruntime\nfrom tritonclient.grpc import model_config_pb2';
    execFileSync('python3', ['-c', imports], { stdio: 'pipe', timeout: 60_000 });
    return undefined;
  } catch {
    return 'python3 with onnxruntime and tritonclient[grpc] is not here.';
  }
}

const obstacle = findObstacle();

/** What the judge makes of a model in the repository. */
function judge(context: TestContext, path: string) {
  if (obstacle !== undefined) {
    if (process.env.GANX_REQUIRE?.split(',').includes('tritonclient')) throw new Error(obstacle);
    return context.skip(obstacle);
  }
  const said = execFileSync('python3', ['-c', JUDGE, join(folder, path)], {
    encoding: 'utf8',
    stdio: 'pipe',
  });
  return JSON.parse(said);
}

beforeAll(async () => {
  const tiny = '--data digits --model dcgan --width 4 --batch 8 --images 80 --snapshot-every 80';
  await run(`train ${tiny} --out run`);
  await writeFile(join(folder, 'labelled.onnx'), await encodeLabelledGenerator(1));
});

describe('ganx export --triton', () => {
  it('writes a repository that Triton reads, with the file that export writes', async (context) => {
    expect(await run('export run --triton models --name digits')).toMatch(
      /^models\/digits: dcgan after 80 images, [\d.]+ kB, from run\/.*\n.*\nNext: tritonserver --model-repository .*\/models\n$/,
    );
    expect(list('models')).toEqual(['digits', 'digits/1', 'digits/1/model.onnx', 'digits/config.pbtxt']);
    await run('export run -o digits.onnx');
    const model = await readFile(join(folder, 'models/digits/1/model.onnx'));
    expect(model.equals(await readFile(join(folder, 'digits.onnx')))).toBe(true);
    const { config, shapes } = judge(context, 'models/digits');
    const latents = readMetadata(model).latentSize;
    expect(config).toMatchObject({
      name: 'digits',
      platform: 'onnxruntime_onnx',
      backend: 'onnxruntime',
      max_batch_size: 64,
      input: [{ name: 'latents', data_type: 'TYPE_FP32', dims: [String(latents)] }],
      output: [{ name: 'images', data_type: 'TYPE_FP32', dims: ['28', '28', '1'] }],
      dynamic_batching: { preferred_batch_size: [16, 32, 64], max_queue_delay_microseconds: '2000' },
      instance_group: [{ count: 1 }],
    });
    expect(shapes).toEqual([
      [1, 28, 28, 1],
      [64, 28, 28, 1],
    ]);
  });

  it('takes a generator.onnx, too, classes and all', async (context) => {
    expect(await run('export labelled.onnx --triton models')).toMatch(
      /^models\/generator: labelled, [\d.]+ kB, a copy of labelled\.onnx\nNext: tritonserver /,
    );
    const { config, shapes } = judge(context, 'models/generator');
    expect(config.input[1]).toEqual({
      name: 'labels',
      data_type: 'TYPE_INT32',
      dims: ['1'],
      reshape: {},
    });
    expect(JSON.parse(config.parameters['ganx.labels'].string_value)).toEqual(['cat', 'dog', 'owl']);
    expect(shapes[1]).toEqual([64, 10, 8, 3]);
  });

  it('says so when the batch of a file is fixed', async (context) => {
    const weights: [Float32Array, number[]] = [
      Float32Array.from({ length: 24 }, (_, i) => Math.sin(i)),
      [2, 12],
    ];
    const fixed = encodeModel({
      inputs: { z: ['float32', [4, 2]] },
      outputs: { images: ['float32', [4, 2, 2, 3]] },
      constants: { weights, shape: [[4, 2, 2, 3], [4]] },
      nodes: [
        ['MatMul', ['z', 'weights'], ['flat']],
        ['Reshape', ['flat', 'shape'], ['images']],
      ],
    });
    await writeFile(join(folder, 'foreign.onnx'), fixed);
    await run('info foreign.onnx --adopt fixed.onnx --latent 4x2');
    await run('export fixed.onnx --triton models --name fixed');
    const { config, shapes } = judge(context, 'models/fixed');
    expect(config.input[0].dims).toEqual(['4', '2']);
    expect(Object.keys(config)).not.toContain('max_batch_size');
    expect(Object.keys(config)).not.toContain('dynamic_batching');
    expect(shapes).toEqual([[4, 2, 2, 3]]);
  });

  it('replaces another model only when it is told to', async () => {
    const before = await readFile(join(folder, 'models/generator/1/model.onnx'));
    await refuse('export run --triton models', 'no model generator in models yet', '--replace');
    await refuse('export labelled.onnx --triton models', 'no model generator in models yet');
    expect((await readFile(join(folder, 'models/generator/1/model.onnx'))).equals(before)).toBe(true);
    await run('export run --triton models --replace');
    const after = await readFile(join(folder, 'models/generator/1/model.onnx'));
    expect(after.equals(await readFile(join(folder, 'digits.onnx')))).toBe(true);
    await mkdir(join(folder, 'models/generator/2'));
    await refuse(
      'export run --triton models --replace',
      'models/generator without other versions',
      'got `2`',
    );
  });

  it('leaves nothing behind when the export is refused', async () => {
    await refuse('export run --triton fresh --tolerance 0', 'Expected');
    expect(existsSync(join(folder, 'fresh/generator'))).toBe(false);
  });

  it('refuses flags that contradict each other, and names that are paths', async () => {
    await refuse('export run --triton models -o a.onnx', 'Expected either --output or --triton');
    await refuse('export run --name a', 'Expected --triton with --name or --replace');
    await refuse('export run --triton models --name ../a', '[--name] Expected a name of letters');
    await refuse('export labelled.onnx', 'Expected a run folder or a snapshot, got `labelled.onnx`');
    await refuse('export labelled.onnx --triton m --dtype fp16', 'Expected a run folder or a snapshot');
  });
});
