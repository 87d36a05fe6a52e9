/** Every device of every runtime as a candidate for parity, in the order of the list of runtimes. */
import { loadRuntime, runtimeNames } from '../../runtimes/index.js';
import type { Candidate } from '../../src/measure/index.js';

export async function listCandidates(): Promise<Candidate[]> {
  const runtimes = await Promise.all(runtimeNames.map(loadRuntime));
  return runtimes.flatMap((runtime) =>
    runtime.devices.map((device) => ({
      runtime: runtime.name,
      device,
      probe: () => runtime.probe(device),
      open: (bytes: Uint8Array) => runtime.open(bytes, { device }),
    })),
  );
}
