/**
 * Every device of every runtime through the one conformance suite, and the choosing among them.
 * What cannot be used here is skipped with its reason; `GANX_REQUIRE=runtime/device,...` makes that a failure.
 */
import { describe, expect, it } from 'vitest';
import { autoCandidates, loadRuntime, openAuto, probeAll, runtimeNames } from '../runtimes/index.js';
import { encodeModel } from './support/onnx-model.js';
import { computeImages, drawLatents, encodeSmallGenerator } from './support/small-generator.js';
import { testRuntime } from './support/test-runtime.js';

for (const name of runtimeNames) {
  const runtime = await loadRuntime(name);
  for (const device of runtime.devices) await testRuntime(runtime, device);
}

describe('choosing a runtime', () => {
  it('refuses an unknown name and lists the known', async () => {
    await expect(loadRuntime('toString')).rejects.toThrow(
      /toString.*onnxruntime-node, onnxruntime-web, tensorflow/,
    );
  });

  it('reports on every device, with a version or a reason', async () => {
    const reports = await probeAll();
    expect(reports.find((one) => one.runtime === 'onnxruntime-node' && one.device === 'cpu')?.ok).toBe(true);
    for (const report of reports) {
      expect(report.ok ? report.version : report.reason).toMatch(report.ok ? /^\d+\.\d+/ : /\w{3}/);
    }
    expect(new Set(reports.map(({ runtime }) => runtime))).toEqual(new Set(runtimeNames));
  });

  it('takes the first candidate that works and says why not the ones before', async () => {
    const unknown = { runtime: 'tensorflow', device: 'cpu' };
    // ONNX Runtime knows Erf, the reference does not.
    const bytes = encodeModel({
      inputs: { x: ['float32', ['n']] },
      outputs: { y: ['float32', ['n']] },
      nodes: [['Erf', ['x'], ['y']]],
    });
    const { session, refused } = await openAuto(bytes, { candidates: [unknown, ...autoCandidates] });
    expect([session.runtime, session.device]).toEqual(['onnxruntime-node', 'cpu']);
    expect(refused).toEqual([{ ...unknown, reason: expect.stringMatching(/Erf/) }]);
    await session.dispose();
    await expect(openAuto(bytes, { candidates: [unknown] })).rejects.toThrow(/tensorflow\/cpu.*Erf/);
    await expect(openAuto(new Uint8Array(9))).rejects.toThrow(/9 bytes/);
  });

  it('opens a generator without being told where', async () => {
    const { session, refused } = await openAuto(encodeSmallGenerator(7), { threads: 1 });
    expect(refused).toEqual([]);
    const latents = drawLatents(1);
    const { images } = await session.run({ latents });
    expect(images?.data[100]).toBeCloseTo(computeImages(7, latents)[100]!, 5);
    await session.dispose();
  });
});
