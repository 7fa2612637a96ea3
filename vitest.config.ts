import { defineConfig } from 'vitest/config'

// Rooms whose tests need no server; all others run in the `servers` project, which starts real ones.
const serverless = 'tests/{context,errors,config,events,logger,resilience,guards,report,telemetry}/**/*.test.ts'

export default defineConfig({
  test: {
    testTimeout: 30_000,
    hookTimeout: 60_000,
    pool: 'forks',
    maxWorkers: 3,
    projects: [
      { extends: true, test: { name: 'unit', include: [serverless] } },
      { extends: true, test: { name: 'legacy-decorators', include: ['tests/legacy/**/*.test.ts'] } },
      {
        extends: true,
        test: {
          name: 'servers',
          include: ['tests/**/*.test.ts'],
          exclude: [serverless, 'tests/legacy/**', 'tests/matrix/**', 'tests/real-schemas/**'],
          globalSetup: ['tests/setup/postgres.ts'],
        },
      },
    ],
  },
})
