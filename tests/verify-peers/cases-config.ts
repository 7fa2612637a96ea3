import { fileURLToPath } from 'node:url'
import type { Plugin, ViteUserConfig } from 'vitest/config'

const ownBlocks = fileURLToPath(new URL('own-blocks.ts', import.meta.url))

/** The rules' files register no tests here: their cases are taken, and something of their own is done with them. */
const casesOnly: Plugin = {
  name: 'cases-only',
  enforce: 'pre',
  resolveId: (source, importer) =>
    source === 'vitest' && importer?.includes('/tests/verify/rules/') ? ownBlocks : undefined,
}

/** A run over the cases of all rules, apart from the test suite. */
export function casesConfig(file: string, testTimeout: number): ViteUserConfig {
  return {
    plugins: [casesOnly],
    test: {
      root: fileURLToPath(new URL('../..', import.meta.url)),
      include: [file],
      globalSetup: ['tests/setup/postgres.ts'],
      testTimeout,
      hookTimeout: 60_000,
      pool: 'forks',
      maxWorkers: 1,
    },
  }
}
