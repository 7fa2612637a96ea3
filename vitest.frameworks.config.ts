import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import { ownName } from './vitest.config.ts'

const packages = fileURLToPath(new URL('./tests/frameworks/node_modules/', import.meta.url))

/** Frameworks whose packages stand in tests/frameworks/package-lock.json. `npm run test:frameworks` installs them. */
export default defineConfig({
  resolve: {
    alias: [
      ...ownName,
      {
        find: /^(@koa\/router|@nestjs\/[a-z-]+|next|reflect-metadata|rxjs|sequelize|typeorm)$/,
        replacement: `${packages}$1`,
      },
    ],
  },
  test: {
    testTimeout: 90_000,
    hookTimeout: 180_000,
    expect: { poll: { timeout: 20_000 } },
    pool: 'forks',
    maxWorkers: 2,
    isolate: false,
    setupFiles: ['tests/setup/exit-on-sigterm.ts', 'tests/setup/end-of-file.ts'],
    include: ['tests/frameworks/**/*.test.ts'],
    exclude: ['**/node_modules/**'],
    globalSetup: ['tests/setup/postgres.ts', 'tests/frameworks/build-next.ts'],
  },
})
