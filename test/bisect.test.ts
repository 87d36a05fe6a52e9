/**
 * Bisecting with planted faults: one altered weight, one wrong pad, a device that computes an operator wrongly, one
 * that gives NaN, one whose fusion is wrong only while nobody looks. All of it runs in real runtimes.
 */
import onnxProto, { type onnx } from 'onnx-proto';
import { describe, expect, it } from 'vitest';
import { bisectDivergence, type Divergence, type Side } from '../exporters/bisect/index.js';
import { exportGenerator } from '../exporters/index.js';
import { drawLatents as drawSamples } from '../src/sample/index.js';
import { encodeModel } from './support/onnx-model.js';
import {
  alter,
  alterWeight,
  brokenDevice,
  feeds,
  GOOD,
  MASKED,
  MASKED_INPUT,
  openHere,
  openReference,
} from './support/planted-faults.js';
import { dcgan, openOnCpu, trainSmall } from './support/small-training.js';

function nodesOf(bytes: Uint8Array): (string | null | undefined)[] {
  return onnxProto.onnx.ModelProto.decode(bytes).graph!.node!.map(({ opType }) => opType);
}

/** Runs the minimal model where the candidate ran: it must be off by as much as was said, on its own. */
async function expectShown(found: Divergence, open: Side['open']): Promise<void> {
  const session = await open(found.model);
  const got = (await session.run(found.feeds))[found.output]!;
  await session.dispose();
  expect(got.shape).toEqual(found.expectedOutput.shape);
  const strides = found.expectedOutput.shape.map((_, axis) =>
    found.expectedOutput.shape.slice(axis + 1).reduce((a, b) => a * b, 1),
  );
  const position = found.at.reduce((sum, index, axis) => sum + index * strides[axis]!, 0);
  expect(got.data[position]).toBe(found.got);
  expect(found.expectedOutput.data[position]).toBe(found.expected);
}

describe('two files', () => {
  const reference: Side = { bytes: GOOD, open: openHere };

  it.each([
    ['here', openHere],
    ['in another runtime', openReference],
  ])('finds one altered weight, %s', async (_, open) => {
    const bytes = alterWeight();
    const found = (await bisectDivergence(reference, { bytes, open }, feeds))!;
    expect(found).toMatchObject({ node: 'wide', operator: 'ConvTranspose', tensor: 'wide', nodes: ['wide'] });
    expect(found.maxDifference).toBeGreaterThan(0.01);
    expect(found.note).toMatch(
      /`filter` differs in 1 of 96 values, first at 17: 0\.75 instead of -?0\.\d+\.$/,
    );
    expect(Object.keys(found.feeds)).toEqual(['planes']);
    expect(nodesOf(found.model)).toEqual(['ConvTranspose']);
    await expectShown(found, open);
  });

  it('finds a pad on the wrong side', async () => {
    const bytes = alter(GOOD, (graph) => {
      const wide = graph.node!.find(({ name }) => name === 'wide')!;
      wide.attribute!.find(({ name }) => name === 'pads')!.ints = [0, 0, 2, 2];
    });
    const found = (await bisectDivergence(reference, { bytes, open: openHere }, feeds))!;
    expect(found).toMatchObject({ node: 'wide', nodes: ['wide'] });
    expect(found.note).toContain('Its `pads` is [0, 0, 2, 2] instead of [1, 1, 1, 1].');
    await expectShown(found, openHere);
  });

  it('finds a pad that changes the shape, and says so', async () => {
    const bytes = alter(GOOD, (graph) => {
      const wide = graph.node!.find(({ name }) => name === 'wide')!;
      wide.attribute!.find(({ name }) => name === 'pads')!.ints = [1, 1, 0, 0];
    });
    const found = (await bisectDivergence(reference, { bytes, open: openHere }, feeds))!;
    expect(found).toMatchObject({ node: 'wide', maxDifference: Number.POSITIVE_INFINITY, at: [] });
    expect(found.note).toContain('[3, 2, 9, 9] instead of [3, 2, 8, 8]');
  });

  it('is content with two files that agree', async () => {
    expect(await bisectDivergence(reference, { bytes: GOOD, open: openReference }, feeds)).toBeUndefined();
  });

  it('refuses files without a name in common, and bytes that are no model', async () => {
    const other = encodeModel({
      inputs: { latents: ['float32', ['batch', 6]] },
      outputs: { latents: ['float32', ['batch', 6]] },
      nodes: [],
    });
    await expect(bisectDivergence(reference, { bytes: other, open: openHere }, feeds)).rejects.toMatchObject({
      code: 'BAD_ARGUMENT',
    });
    const cut = GOOD.subarray(0, 200);
    await expect(bisectDivergence(reference, { bytes: cut, open: openHere }, feeds)).rejects.toMatchObject({
      code: 'BAD_MODEL_FILE',
      where: 'candidate',
    });
  });
});

describe('exports of a DCGAN', () => {
  it.each(['float32', 'float16'] as const)('blames the layer by its name, %s', async (dtype) => {
    const { gan, weights } = await trainSmall(dcgan(28, 1), 3);
    const source = { model: 'dcgan', gan, weights, imagesSeen: 18, seed: 3, dataDigest: 'cd'.repeat(32) };
    const { bytes } = await exportGenerator(source, { openSession: openOnCpu });
    const name = 'generator/deconv_1/kernel';
    const wrong = { ...weights, [name]: { ...weights[name]!, data: weights[name]!.data.slice() } };
    wrong[name]!.data[77]! += 3;
    const altered = await exportGenerator({ ...source, weights: wrong }, { dtype, openSession: openOnCpu });
    const latents = drawSamples(gan.shape, 1, 0, 5);
    const sides = [bytes, altered.bytes].map((file) => ({ bytes: file, open: openHere }));
    // Of values up to 1 float16 keeps three digits.
    const tolerance = dtype === 'float16' ? 5e-3 : 1e-5;
    const found = (await bisectDivergence(sides[0]!, sides[1]!, { latents }, { tolerance }))!;
    expect(found).toMatchObject({ node: 'generator/deconv_1/ConvTranspose', operator: 'ConvTranspose' });
    expect(found.nodes.at(-1)).toBe(found.node);
    await expectShown(found, openHere);
  });
});

describe('one file on two devices', () => {
  const reference: Side = { bytes: GOOD, open: openReference };

  it('finds the operator that one of them computes wrongly', async () => {
    const open = brokenDevice(({ node }) => {
      for (const one of node!) if (one.opType === 'Tanh') one.opType = 'Sigmoid';
    });
    const found = (await bisectDivergence(reference, { bytes: GOOD, open }, feeds))!;
    expect(found).toMatchObject({
      node: 'colors',
      operator: 'Tanh',
      nodes: ['colors'],
      reference: { runtime: 'tensorflow', device: 'cpu' },
      candidate: { runtime: 'onnxruntime-node', device: 'cpu', version: expect.stringMatching(/^\d/) },
    });
    expect(nodesOf(found.model)).toEqual(['Tanh']);
    await expectShown(found, open);
  });

  it('finds where a NaN comes from', async () => {
    // The root of what Relu would have cut off.
    const open = brokenDevice(({ node }) => {
      for (const one of node!) if (one.opType === 'Relu') one.opType = 'Sqrt';
    });
    const found = (await bisectDivergence(reference, { bytes: GOOD, open }, feeds))!;
    expect(found).toMatchObject({ node: 'active', got: Number.NaN, maxDifference: Number.POSITIVE_INFINITY });
    expect(Number.isFinite(found.expected)).toBe(true);
  });

  it('finds the operator that one of them refuses', async () => {
    const open = brokenDevice(({ node }) => {
      for (const one of node!) if (one.opType === 'ConvTranspose') one.opType = 'NoSuchOperator';
    });
    const found = (await bisectDivergence(reference, { bytes: GOOD, open }, feeds))!;
    expect(found).toMatchObject({ node: 'wide', operator: 'ConvTranspose', at: [] });
    expect(found.note).toContain('NoSuchOperator');
  });

  it('finds a fusion that is wrong while nobody looks between its nodes', async () => {
    // Loses a Relu before a Reshape, unless the Relu's own result is wanted outside.
    const open = brokenDevice(({ node, output }) => {
      const relu = node!.find(({ opType }) => opType === 'Relu');
      const reads = node!.some(({ opType }) => opType === 'Reshape');
      if (relu && reads && !output!.some(({ name }) => name === relu.output![0])) relu.opType = 'Identity';
    });
    const found = (await bisectDivergence(reference, { bytes: GOOD, open }, feeds))!;
    expect(found).toMatchObject({ node: 'planes', operator: 'Reshape', nodes: ['active', 'planes'] });
    expect(found.note).toMatch(/^Not reproducible with visible intermediates/);
    expect(nodesOf(found.model)).toEqual(['Relu', 'Reshape']);
    await expectShown(found, open);
  });

  it('names the node that adds most where none is off by itself', async () => {
    const open = brokenDevice(({ initializer }) => {
      const dense = initializer!.find(({ name }) => name === 'dense');
      if (!dense) return;
      const view = new DataView(dense.rawData!.buffer, dense.rawData!.byteOffset);
      for (let at = 0; at < dense.rawData!.length; at += 4) {
        view.setFloat32(at, view.getFloat32(at, true) * (1 + 2e-5), true);
      }
    });
    const found = (await bisectDivergence(reference, { bytes: GOOD, open }, feeds, { tolerance: 2e-5 }))!;
    expect(found).toMatchObject({ node: 'hidden', operator: 'Gemm', nodes: ['hidden'] });
    expect(found.note).toMatch(/^No node alone is off by more than the tolerance/);
  });
});

describe('element types that do not travel', () => {
  it('passes booleans and whole numbers through', async () => {
    const open = brokenDevice(({ node }) => {
      for (const one of node!) if (one.opType === 'Greater') one.opType = 'Less';
    });
    const found = (await bisectDivergence(
      { bytes: MASKED, open: openHere },
      { bytes: MASKED, open },
      { x: MASKED_INPUT },
    ))!;
    expect(found).toMatchObject({
      node: 'mask',
      operator: 'Greater',
      maxDifference: 1,
      output: 'mask/float32',
    });
    expect(nodesOf(found.model)).toEqual(['Greater', 'Cast']);
    await expectShown(found, open);
  });
});

describe('nodes with bodies', () => {
  const type = (elemType: number, dim: onnx.TensorShapeProto.IDimension[]) => ({
    tensorType: { elemType, shape: { dim } },
  });
  const value = (name: string) => ({ name, type: type(1, [{ dimParam: 'batch' }, { dimValue: 3 }]) });

  /** Two branches, each of which reads `double`, which is made around them. */
  const branch = (op: string): onnx.IGraphProto => ({
    name: op,
    node: [{ opType: op, name: `inner ${op}`, input: ['double'], output: [`${op} result`] }],
    output: [value(`${op} result`)],
  });
  const bytes = onnxProto.onnx.ModelProto.encode({
    irVersion: 8,
    opsetImport: [{ domain: '', version: 17 }],
    graph: {
      name: 'choice',
      node: [
        { opType: 'Add', name: 'double', input: ['x', 'x'], output: ['double'] },
        {
          opType: 'If',
          name: 'choice',
          input: ['yes'],
          output: ['y'],
          attribute: [
            { name: 'then_branch', type: 5, g: branch('Exp') },
            { name: 'else_branch', type: 5, g: branch('Neg') },
          ],
        },
      ],
      initializer: [{ name: 'yes', dims: [], dataType: 9, int32Data: [1] }],
      input: [value('x')],
      output: [value('y')],
    },
  }).finish();

  it('are fed what their bodies take from around them', async () => {
    const open = brokenDevice(({ node }) => {
      const inner = node!.flatMap(({ attribute }) => (attribute ?? []).flatMap(({ g }) => g?.node ?? []));
      for (const one of inner) if (one.opType === 'Exp') one.opType = 'Sigmoid';
    });
    const x = { shape: [2, 3], dtype: 'float32', data: Float32Array.of(1, 2, 3, 0.5, 0.25, -1) } as const;
    const found = (await bisectDivergence({ bytes, open: openHere }, { bytes, open }, { x }))!;
    expect(found).toMatchObject({ node: 'choice', operator: 'If', nodes: ['choice'] });
    expect(Object.keys(found.feeds)).toEqual(['double']);
    await expectShown(found, open);
  });
});
