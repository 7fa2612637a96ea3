import { fileURLToPath } from 'node:url'
import { defineConfig, type Plugin } from 'vitest/config'

const ownBlocks = fileURLToPath(new URL('../verify-peers/own-blocks.ts', import.meta.url))

/** The rules' files register no tests here: their cases are taken, and all fixes are run on them. */
const casesOnly: Plugin = {
  name: 'cases-only',
  enforce: 'pre',
  resolveId: (source, importer) =>
    source === 'vitest' && importer?.includes('/tests/verify/rules/') ? ownBlocks : undefined,
}

// npm run verify:fixes. A run of its own: several minutes, since each schema is verified six times.
export default defineConfig({
  plugins: [casesOnly],
  test: {
    root: fileURLToPath(new URL('../..', import.meta.url)),
    include: ['tests/verify-fixes/fixes.run.ts'],
    globalSetup: ['tests/setup/postgres.ts'],
    testTimeout: 300_000,
    hookTimeout: 60_000,
    pool: 'forks',
    maxWorkers: 1,
  },
})
