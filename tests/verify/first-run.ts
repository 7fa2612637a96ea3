import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inject } from 'vitest'
import { openThrowAwayServer } from '../../src/embedded/throw-away-server.ts'
import type { VerifyReport } from '../../src/verify/index.ts'
import { loadMigrations } from '../../src/verify/sources/load-migrations.ts'
import type { PreparedSource } from '../../src/verify/sources/prepared-source.ts'
import { verifyDatabase } from '../../src/verify/verify-database.ts'

/** As `partywall verify --migrations FILE` does it: a database of its own, to which nobody else is connected. */
export async function firstRun<T>(
  sql: string,
  fn: (report: VerifyReport, source: PreparedSource) => Promise<T>,
): Promise<T> {
  // The tests' server has logins of other tests; a server of its own has none.
  const appRole = /create role (\w+) login/.exec(sql)?.[1]
  const source = await loadSql(sql)
  try {
    return await fn(await verifyDatabase({ databaseUrl: source.url, mode: 'attack', ownServer: true, appRole }), source)
  } finally {
    await source.close()
  }
}

/** The SQL as a file of migrations. */
export async function loadSql(sql: string): Promise<PreparedSource> {
  const folder = await mkdtemp(join(tmpdir(), 'partywall-first-run-'))
  try {
    const path = join(folder, 'schema.sql')
    await writeFile(path, sql)
    const provided = inject('postgres')
    const server = await openThrowAwayServer(provided.url, { external: true, end: async () => {} })
    return await loadMigrations({ path, server })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
