/**
 * A judge from outside: Python's `onnx` checks each file in full, and Python's `onnxruntime` draws from it; the images
 * are compared with the live network's. Where Python is not set up this is skipped; `GANX_REQUIRE=python` makes that a
 * failure.
 */
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exportGenerator, openLiveGenerator } from '../exporters/index.js';
import { messageOf } from '../src/core/errors.js';
import { encodeMetadata } from '../src/core/metadata.js';
import { encodeNpy } from '../src/core/npy.js';
import { drawLatents } from '../src/sample/index.js';
import { openOnCpu, RECIPES, trainSmall } from './support/small-training.js';

tf.enableProdMode();

/** Prints what was found as JSON; an exception ends it with another exit code than 0. */
const JUDGE = `
import json, sys
import numpy, onnx, onnxruntime
folder, layout = sys.argv[1], sys.argv[2]
path = folder + "/generator.onnx"
onnx.checker.check_model(path, full_check=True)
model = onnx.load(path)
options = onnxruntime.SessionOptions()
options.log_severity_level = 3
session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
latents = numpy.load(folder + "/latents.npy")
wanted = numpy.load(folder + "/images.npy")
differences = {}
for batch in (1, 5, 64):
    parts = [session.run(["images"], {"latents": latents[i:i + batch]})[0] for i in range(0, len(latents), batch)]
    images = numpy.concatenate(parts)
    if layout == "nchw":
        images = images.transpose(0, 2, 3, 1)
    assert images.shape == wanted.shape, images.shape
    differences[batch] = float(numpy.abs(images - wanted).max())
print(json.dumps({
    "differences": differences,
    "metadata": {pair.key: pair.value for pair in model.metadata_props},
    "batch": session.get_inputs()[0].shape[0],
}))
`;

function runPython(...args: string[]): string {
  return execFileSync('python3', args, { encoding: 'utf8', stdio: 'pipe', timeout: 60_000 });
}

/** Why the judge cannot sit here. */
function findObstacle(): string | undefined {
  try {
    runPython('-c', 'import numpy, onnx, onnxruntime');
    return undefined;
  } catch (error) {
    const lines = String((error as { stderr?: string }).stderr || messageOf(error)).trim();
    return `python3 with onnx, onnxruntime and numpy is not here: ${lines.split('\n').at(-1)}`;
  }
}

const obstacle = findObstacle();
const isRequired = (process.env.GANX_REQUIRE ?? '').split(',').includes('python');
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ganx-judge-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

describe.each(Object.entries(RECIPES))('Python judges %s', (_, recipe) => {
  const forms = [
    { layout: 'nhwc', dtype: 'float32' },
    { layout: 'nchw', dtype: 'float32' },
    { layout: 'nhwc', dtype: 'float16' },
  ] as const;
  it.for(forms)('valid, and the same images: $layout in $dtype', async ({ layout, dtype }, { skip }) => {
    if (obstacle && !isRequired) return skip(obstacle);
    expect(obstacle).toBeUndefined();
    const { gan, weights } = await trainSmall(recipe, 10);
    const source = { model: recipe.model, gan, weights, imagesSeen: 60, seed: 3, dataDigest: '' };
    const { bytes, metadata } = await exportGenerator(source, { layout, dtype, openSession: openOnCpu });
    const live = await openLiveGenerator(gan, weights);
    const latents = drawLatents(gan.shape, 1, 0, 64);
    const { images } = await live.run({ latents });
    await live.dispose();
    await writeFile(join(folder, 'generator.onnx'), bytes);
    await writeFile(join(folder, 'latents.npy'), encodeNpy(latents));
    await writeFile(join(folder, 'images.npy'), encodeNpy(images!));
    const verdict = JSON.parse(runPython('-c', JUDGE, folder, layout));
    expect(Object.keys(verdict.differences)).toEqual(['1', '5', '64']);
    // As everywhere on CPUs: float32 sums in another order. In half precision two levels of an 8-bit image.
    const [low, high] = gan.shape.imageRange;
    const bound = dtype === 'float32' ? 1e-5 : (2 / 255) * (high - low);
    for (const difference of Object.values(verdict.differences)) expect(difference).toBeLessThan(bound);
    expect(verdict.metadata).toEqual(encodeMetadata(metadata));
    expect(verdict.batch).toBe('batch');
  });
});
