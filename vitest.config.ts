import { defineConfig } from 'vitest/config';

const report = process.env.GANX_TEST_REPORT;

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Native sessions and tfjs's global engine do not like to share a process between files.
    pool: 'forks',
    // One more than a small machine has cores: many tests wait for a browser, a program or a server.
    maxWorkers: 3,
    // Not an assertion on speed: only so that a hanging test ends.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    // A machine-readable report beside the readable one, for whoever counts.
    ...(report ? { reporters: ['default', 'json'], outputFile: { json: report } } : {}),
  },
});
