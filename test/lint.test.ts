/**
 * One small file for each rule of the linter that breaks it, and files that break none: what ganx itself exports.
 */
import { mkdtempSync, truncateSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import type { onnx } from 'onnx-proto';
import { afterAll, describe, expect, it } from 'vitest';
import { exportGenerator } from '../exporters/index.js';
import { lintModel, RULE_NAMES } from '../exporters/lint/index.js';
import { expectRefusal, ganx } from './support/cli.js';
import { alter, GOOD, OPERATOR_BREACHES } from './support/lint-breaches.js';
import { GRAPH_BREACHES } from './support/lint-graph-breaches.js';
import { mutateModel } from './support/mutate-model.js';
import { dcgan, openOnCpu, RECIPES, trainSmall } from './support/small-training.js';

tf.enableProdMode();

const BREACHES = [...OPERATOR_BREACHES, ...GRAPH_BREACHES];

describe('the rules', () => {
  it.each(BREACHES)('%s: %s', (rule, _, bytes, expected) => {
    const findings = lintModel(bytes, 'file.onnx').filter((finding) => finding.rule === rule);
    expect(findings).toContainEqual(expect.objectContaining(expected));
    for (const { remedy, thread } of findings) {
      expect(remedy).toMatch(/^[A-Z].+\.$/);
      expect(new URL(thread).protocol).toBe('https:');
    }
  });

  it('are each broken by one of these files', () => {
    expect([...new Set(BREACHES.map(([rule]) => rule))].sort()).toEqual([...RULE_NAMES].sort());
  });

  it('look into bodies', () => {
    const body: onnx.IGraphProto = {
      node: [{ opType: 'RandomUniform', name: 'inner', output: ['drawn'] }],
      output: [{ name: 'drawn' }],
    };
    const bytes = alter(({ graph }) => {
      const attribute = ['then_branch', 'else_branch'].map((name) => ({ name, type: 5, g: body }));
      graph.node!.push({ opType: 'If', name: 'choice', input: ['latents'], output: ['chosen'], attribute });
    });
    expect(lintModel(bytes, 'file.onnx')).toContainEqual(
      expect.objectContaining({ rule: 'random', where: 'inner' }),
    );
  });

  it('are not asked of bytes that are no model', () => {
    expect(() => lintModel(GOOD.subarray(0, 300), 'cut.onnx')).toThrow(
      /^\[cut\.onnx\] Expected an ONNX model/,
    );
  });
});

it('judges or refuses 200 damaged files, and chokes on none', () => {
  let refused = 0;
  for (let index = 0; index < 200; index++) {
    const { what, bytes } = mutateModel(GOOD, index);
    try {
      lintModel(bytes, 'damaged.onnx');
    } catch (error) {
      refused++;
      expect(error, what).toMatchObject({ code: 'BAD_MODEL_FILE', where: 'damaged.onnx' });
    }
  }
  expect(refused).toBeGreaterThan(20);
});

describe('files without a fault', () => {
  it('are the one that the broken ones are made of', () => {
    expect(lintModel(GOOD, 'file.onnx')).toEqual([]);
  });

  describe.each(Object.entries({ ...RECIPES, 'dcgan, 64 RGB': dcgan(64, 3) }))(
    'are exports of %s',
    (_, recipe) => {
      it.each([
        ['float32', 'nhwc'],
        ['float32', 'nchw'],
        ['float16', 'nhwc'],
      ] as const)('in %s, %s', async (dtype, layout) => {
        const { gan, weights } = await trainSmall(recipe, 3);
        const source = {
          model: recipe.model,
          gan,
          weights,
          imagesSeen: 18,
          seed: 3,
          dataDigest: 'cd'.repeat(32),
        };
        const { bytes } = await exportGenerator(source, { dtype, layout, openSession: openOnCpu });
        expect(lintModel(bytes, 'generator.onnx')).toEqual([]);
      });
    },
  );
});

describe('ganx lint', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ganx-lint-'));
  afterAll(() => rm(folder, { recursive: true, force: true }));
  const breach = (what: string): Uint8Array => BREACHES.find(([, name]) => name === what)![2];

  it('exits with 1 on an error, and says what to do and who else met it', async () => {
    writeFileSync(join(folder, 'wrong.onnx'), breach('pads that the runtime chooses'));
    const { code, stdout, stderr } = await ganx(['lint', 'wrong.onnx'], folder);
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
    expect(stdout).toMatch(/^error auto-pad at wide: ConvTranspose has `auto_pad` SAME_UPPER/m);
    expect(stdout).toMatch(/^ {2}Write the pads out .* https:\/\/github\.com\/\S+\/11927$/m);
    expect(stdout).toMatch(/^wrong\.onnx: 1 error, 0 warnings\.$/m);
  });

  it('need not read a file to see that it is too large', async () => {
    writeFileSync(join(folder, 'large.onnx'), '');
    // Sparse: it takes no room.
    truncateSync(join(folder, 'large.onnx'), 2 ** 31);
    const { code, stdout } = await ganx(['lint', 'large.onnx'], folder);
    expect(code).toBe(1);
    expect(stdout).toMatch(/^error file-size at large\.onnx: The file has 2147483648 bytes/);
  });

  it('says which file is missing', async () => {
    expectRefusal(await ganx(['lint', 'missing.onnx'], folder), 'missing.onnx');
  });

  it('exits with 0 on warnings alone, in JSON too', async () => {
    writeFileSync(join(folder, 'slow.onnx'), breach('a weight that nobody reads'));
    const { code, stdout } = await ganx(['lint', 'slow.onnx', '--json'], folder);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      file: 'slow.onnx',
      errors: 0,
      warnings: 1,
      findings: [{ rule: 'unused', where: 'left' }],
    });
  });
});
