/** Copies of another tool's files that say of themselves what it takes to draw from them, and the flags for both. */
import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import onnxProto from 'onnx-proto';
import { afterAll, describe, expect, it } from 'vitest';
import { adoptMetadata } from '../exporters/index.js';
import { decodeMetadata, encodeMetadata, type GeneratorMetadata } from '../src/core/metadata.js';
import { loadGenerator } from '../src/load-generator.js';
import { checkGolden, type Generator, makeGolden, readMetadata, readModelFile } from '../src/sample/index.js';
import { expectRefusal, ganx, ganxOk, makeWorkplace } from './support/cli.js';
import { encodeConditional, encodeConvolutional, encodeFixed } from './support/foreign-models.js';
import { METADATA } from './support/sample-model.js';

const { onnx } = onnxProto;
const place = makeWorkplace();
const opened: Generator[] = [];

afterAll(async () => {
  for (const generator of opened) await generator.dispose();
});

describe('an adopted file', () => {
  it('has the metadata at its end, and every other byte as before', async () => {
    const bytes = encodeConvolutional();
    const described = await loadGenerator(bytes, {
      device: 'cpu',
      threads: 1,
      describe: { latent: '8x1x1' },
    });
    const { metadata, run } = described;
    opened.push(described);
    const whole: GeneratorMetadata = { ...metadata, golden: await makeGolden(run, metadata) };
    const copy = adoptMetadata(bytes, whole);
    expect([...copy.subarray(0, bytes.length)]).toEqual([...bytes]);
    expect(readMetadata(copy)).toEqual(whole);
    const generator = await loadGenerator(copy, { device: 'cpu', threads: 1 });
    opened.push(generator);
    expect(await checkGolden(generator)).toMatchObject({ ok: true, shaMatches: true });
  });

  it('gives up its old metadata, and keeps the pairs of others, wherever they stand', async () => {
    const graph = onnx.ModelProto.decode(encodeConvolutional());
    const pairs = { author: 'someone', ...encodeMetadata({ ...METADATA, labels: ['a'] }), licence: 'MIT' };
    graph.metadataProps = Object.entries(pairs).map(([key, value]) => ({ key, value }));
    // ir_version again at the very end: fields may stand in any order.
    const before = new Uint8Array([...onnx.ModelProto.encode(graph).finish(), 8, 8]);
    const after = adoptMetadata(before, METADATA);
    expect(readModelFile(after).properties).toEqual({
      author: 'someone',
      licence: 'MIT',
      ...encodeMetadata(METADATA),
    });
    const bytesOf = (file: Uint8Array) =>
      onnx.GraphProto.encode(onnx.ModelProto.decode(file).graph!).finish();
    expect(bytesOf(after)).toEqual(bytesOf(before));
    expect(adoptMetadata(after, METADATA)).toEqual(after);
  });

  it('keeps every field through the file', () => {
    const unusual: GeneratorMetadata = {
      ...METADATA,
      dtype: 'float16',
      inputName: 'z',
      outputName: 'out',
      latentShape: [7, 1, 1],
      latentRange: [0, 1],
      labels: ['a', 'b'],
      labelName: 'c',
    };
    expect(decodeMetadata(encodeMetadata(unusual))).toEqual(unusual);
    const { golden: _, ...described } = unusual;
    expect(decodeMetadata(encodeMetadata(described))).toEqual(described);
    expect(Object.keys(encodeMetadata(METADATA))).toHaveLength(13);
    const pairs = encodeMetadata(unusual);
    for (const [key, value] of [
      ['ganx.latent_shape', '[6,1,1]'],
      ['ganx.latent_shape', '[7.5]'],
      ['ganx.latent_range', '[1,0]'],
      ['ganx.dtype', 'int8'],
    ] as const) {
      expect(() => decodeMetadata({ ...pairs, [key]: value })).toThrow(key);
    }
  });
});

describe('the command line', () => {
  it('samples and adopts a foreign file, and the copy needs no description', async () => {
    await writeFile(join(place, 'any.onnx'), encodeConvolutional());
    const described = ['--latent', '1x8x1x1', '--range', '-1,1', '--layout', 'nchw'];
    await ganxOk(['sample', 'any.onnx', ...described, '--count', '4', '-o', 'a.png'], place);
    expect(await ganxOk(['info', 'any.onnx', '--adopt', 'own.onnx', ...described], place)).toMatch(
      /^own\.onnx: .* a copy of any\.onnx with metadata and a golden sample\n$/,
    );
    await ganxOk(['sample', 'own.onnx', '--count', '4', '-o', 'b.png'], place);
    const digest = async (name: string) =>
      createHash('sha256')
        .update(await readFile(join(place, name)))
        .digest('hex');
    expect(await digest('b.png')).toBe(await digest('a.png'));
    const info = await ganxOk(['info', 'own.onnx'], place);
    expect(info).toMatch(/^latents +z: 8×1×1, normal$/m);
    expect(info).toMatch(/^images +out: 4×4×3, nchw, range -1 to 1$/m);
    expect(info).toMatch(/^compute +float32$/m);
    expect(info).not.toMatch(/after 0 images|SHA-256 $/m);
  });

  it('takes a class by name, by number, or one for each', async () => {
    await writeFile(join(place, 'classes.onnx'), encodeConditional());
    const described = ['--latent', '4', '--labels', 'cat,dog,owl', '--count', '3'];
    const draw = async (...more: string[]): Promise<Buffer> => {
      await ganxOk(['sample', 'classes.onnx', ...described, '--npy', 'c.npy', ...more], place);
      return await readFile(join(place, 'c.npy'));
    };
    const dogs = await draw('--label', 'dog');
    expect(await draw('--label', 'dog,1,dog')).toEqual(dogs);
    expect(await draw('--label', '1', '--truncation', '0.5')).not.toEqual(dogs);
    const line = ['sample', 'classes.onnx', ...described];
    expectRefusal(await ganx([...line, '--label', 'cow'], place), 'a class: cat, dog, owl', '`cow`');
    expectRefusal(await ganx([...line, '--label', 'cat,dog'], place), '3 labels, one a sample', '`2`');
  });

  it('says what is missing', async () => {
    await writeFile(join(place, 'bare.onnx'), encodeConvolutional());
    expectRefusal(
      await ganx(['sample', 'bare.onnx'], place),
      '`ganx sample bare.onnx --latent 1x8x1x1 --range',
    );
    expectRefusal(await ganx(['sample', 'bare.onnx', '--range', '-1,1'], place), '[--range]', '--latent');
    expectRefusal(await ganx(['info', 'bare.onnx', '--latent', '8'], place), '--adopt with it');
    expectRefusal(await ganx(['info', 'bare.onnx', '--adopt', 'o.onnx'], place), '--latent 1x8x1x1');
    await writeFile(join(place, 'wide.onnx'), encodeConditional('int64'));
    expectRefusal(await ganx(['sample', 'wide.onnx', '--latent', '4'], place), 'int64', 'Cast it');
  });

  it('says why auto took no other device', async () => {
    await writeFile(join(place, 'fixed.onnx'), encodeFixed(1));
    const line = ['sample', 'fixed.onnx', '--latent', '16', '--count', '2'];
    const { code, stderr } = await ganx(line, place, { env: { VK_DRIVER_FILES: '/nowhere/lvp_icd.json' } });
    expect(code).toBe(0);
    expect(stderr).toMatch(/^Not onnxruntime-node\/webgpu: lvp_icd\.json is a driver in software/m);
    const named = await ganx([...line, '--device', 'cpu'], place);
    expect(named.stderr).not.toMatch(/^Not /m);
    expect(named.stderr).toMatch(/onnxruntime-node [\d.]+ on cpu/);
  });
});
