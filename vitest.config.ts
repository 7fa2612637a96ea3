import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const source = (path: string) => fileURLToPath(new URL(`./src/${path}`, import.meta.url))
// Examples import the package by its name, as users do; tests run them on the sources.
export const ownName = [
  { find: /^partywall$/, replacement: source('index.ts') },
  { find: /^partywall\/(express|fastify|hono|koa|nest|next|node|prisma)$/, replacement: source('middleware/$1.ts') },
  { find: /^partywall\/([a-z-]+)$/, replacement: source('$1/index.ts') },
]

// Tests that need no server, and one that measures its process's memory; all others run in the `servers` project, which starts real ones.
const serverless = [
  'tests/{context,errors,config,events,logger,resilience,guards,report,telemetry}/**/*.test.ts',
  'tests/database/connection/popular-texts.test.ts',
]
// Small cases that share nothing but a database per worker: loading verify anew for each file would take half as long again.
// Left out: cases that make roles with the names of platforms, such as `authenticated`. Roles belong to the server, and each project has one.
const rules = [
  'tests/verify/{*,{rules,attack,formats,mutate,schema-per-tenant}/*}.test.ts',
  'tests/{prove,protect}/**/*.test.ts',
]

export default defineConfig({
  resolve: { alias: ownName },
  test: {
    testTimeout: 90_000,
    hookTimeout: 180_000,
    // On a busy machine a condition takes longer than the second that vitest waits.
    expect: { poll: { timeout: 20_000 } },
    pool: 'forks',
    maxWorkers: 3,
    setupFiles: ['tests/setup/exit-on-sigterm.ts', 'tests/setup/end-of-file.ts'],
    projects: [
      { extends: true, test: { name: 'unit', include: serverless } },
      { extends: true, test: { name: 'legacy-decorators', include: ['tests/legacy/**/*.test.ts'] } },
      {
        extends: true,
        test: { name: 'rules', include: rules, isolate: false, globalSetup: ['tests/setup/postgres.ts'] },
      },
      {
        extends: true,
        test: {
          name: 'servers',
          // A worker loads the sources once, not once a file: each file ends all that it began (tests/setup/after-file.ts).
          isolate: false,
          include: ['tests/**/*.test.ts'],
          exclude: [
            'tests/**/node_modules/**',
            ...serverless,
            ...rules,
            'tests/legacy/**',
            'tests/matrix/**',
            'tests/frameworks/**',
            'tests/real-schemas/**',
            'tests/newcomer/apps/**',
          ],
          globalSetup: ['tests/setup/postgres.ts'],
        },
      },
    ],
  },
})
