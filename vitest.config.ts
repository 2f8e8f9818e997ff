import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Named as skipped by test/e2e/long-forms.test.ts.
    exclude: process.env.LONG ? [] : ['test/**/*.long.test.ts'],
    globalSetup: ['test/temporary-folder.ts'],
    // Two workers suit the two cores of a small CI machine; each loads DuckDB, so more would only take memory.
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // A test never speaks to the machine it happens to run on: same zone and same colours everywhere.
    env: { TZ: 'UTC', NO_COLOR: '1' },
    // .ci/run counts from this report.
    reporters: process.env.CI ? ['default', ['json', { outputFile: 'target/tests.json' }]] : ['default'],
  },
})
