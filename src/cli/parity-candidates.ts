/**
 * Who takes part in `ganx parity`: every device of every runtime in Node and, when asked for, in Chromium, which starts
 * when its turn comes and ends with the list.
 */
import { listDevices } from '../../runtimes/index.js';
import { openChromiumRuntimes } from '../browser/page-runtime.js';
import { expected } from '../core/errors.js';
import { type Candidate, nameOf } from '../measure/index.js';

/** Candidates, and the end of what was started for them. */
export interface OpenCandidates {
  readonly candidates: readonly Candidate[];
  close(): Promise<void>;
}

/**
 * @param browser whether pages take part
 * @param only    runtimes or runtime/device; all when absent
 * @throws GanError `BAD_ARGUMENT` for a name that nothing has
 */
export async function openCandidates(browser: boolean, only?: readonly string[]): Promise<OpenCandidates> {
  const inNode = await listDevices();
  const pages = browser ? await openChromiumRuntimes() : undefined;
  const all: Candidate[] = [...inNode, ...(pages?.candidates ?? [])];
  const known = [...new Set(all.flatMap((one) => [one.runtime, nameOf(one)]))];
  const unknown = only?.find((name) => !known.includes(name));
  if (unknown !== undefined) {
    throw expected('--only', 'a runtime or runtime/device', unknown, `Known: ${known.join(', ')}.`);
  }
  return {
    candidates: all.filter((one) => !only || only.includes(one.runtime) || only.includes(nameOf(one))),
    close: async () => pages?.close(),
  };
}
