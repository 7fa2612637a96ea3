import { defineConfig } from 'vitest/config'

// npm run verify:peers. A run of its own: it measures and names cases, and is no part of the test suite.
export default defineConfig({
  test: {
    root: new URL('../..', import.meta.url).pathname,
    include: ['tests/verify-peers/peers.run.ts'],
    globalSetup: ['tests/setup/postgres.ts'],
    testTimeout: 1_800_000,
    hookTimeout: 60_000,
    pool: 'forks',
    maxWorkers: 1,
  },
})
