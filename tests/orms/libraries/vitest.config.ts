import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

// npm run test:orms. A run of its own: its libraries are installed in this folder.
export default defineConfig({
  test: {
    root: fileURLToPath(new URL('../../..', import.meta.url)),
    include: ['tests/orms/libraries/*.run.ts'],
    globalSetup: ['tests/setup/postgres.ts'],
    setupFiles: ['tests/setup/exit-on-sigterm.ts', 'tests/setup/end-of-file.ts'],
    testTimeout: 90_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 20_000 } },
    pool: 'forks',
    maxWorkers: 2,
  },
})
