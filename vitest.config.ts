import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

const report = process.env.GANX_TEST_REPORT;

/**
 * Files whose tests take longer than their length lets expect. Vitest begins with the longest files, so that no core
 * waits for the last one; these come before them.
 */
const LONG =
  /\b(paper-miniature|runtimes|page-runtime|figure-1|shards|data-real|cli-help|serve-fuzz)\.test\.ts$/;

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const isLong = ({ moduleId }: TestSpecification): boolean => LONG.test(moduleId);
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
  }
}

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Native sessions and tfjs's global engine do not like to share a process between files.
    pool: 'forks',
    // One more than a small machine has cores: many tests wait for a browser, a program or a server.
    maxWorkers: 3,
    sequence: { sequencer: LongestFirst },
    // Not an assertion on speed: only so that a hanging test ends.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    expect: { poll: { timeout: 60_000 } },
    // A machine-readable report beside the readable one, for whoever counts.
    ...(report ? { reporters: ['default', 'json'], outputFile: { json: report } } : {}),
  },
});
