import { fileURLToPath } from 'node:url'
import { defineConfig, type Plugin } from 'vitest/config'

const ownBlocks = fileURLToPath(new URL('own-blocks.ts', import.meta.url))

/** The rules' files register no tests here: their cases are taken, and both tools are run on them. */
const casesOnly: Plugin = {
  name: 'cases-only',
  enforce: 'pre',
  resolveId: (source, importer) =>
    source === 'vitest' && importer?.includes('/tests/verify/rules/') ? ownBlocks : undefined,
}

// npm run verify:peers. A run of its own: it measures and names cases, and is no part of the test suite.
export default defineConfig({
  plugins: [casesOnly],
  test: {
    root: fileURLToPath(new URL('../..', import.meta.url)),
    include: ['tests/verify-peers/peers.run.ts'],
    globalSetup: ['tests/setup/postgres.ts'],
    testTimeout: 1_800_000,
    hookTimeout: 60_000,
    pool: 'forks',
    maxWorkers: 1,
  },
})
