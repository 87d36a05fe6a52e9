/**
 * Every device of every runtime through the one conformance suite, and the list of them.
 * What cannot be used here is skipped with its reason; `GANX_REQUIRE=runtime/device,...` makes that a failure.
 */
import { describe, expect, it } from 'vitest';
import { loadRuntime, probeAll, runtimeNames } from '../runtimes/index.js';
import { testRuntime } from './support/test-runtime.js';

for (const name of runtimeNames) {
  const runtime = await loadRuntime(name);
  const isForGenerators = name === 'ganx-wasm';
  for (const device of runtime.devices) await testRuntime(runtime, device, { isForGenerators });
}

describe('the list of runtimes', () => {
  it('refuses an unknown name and lists the known', async () => {
    await expect(loadRuntime('toString')).rejects.toThrow(
      /toString.*onnxruntime-node, onnxruntime-web, ganx-wasm, tensorflow/,
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
});
