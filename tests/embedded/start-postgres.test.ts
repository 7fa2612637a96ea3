import { readdir } from 'node:fs/promises'
import pg from 'pg'
import { describe, expect, it } from 'vitest'
import { baseFolder } from '../../src/embedded/data-folder.ts'
import { startPostgres } from '../../src/embedded/start-postgres.ts'

describe('startPostgres', () => {
  it('starts a server, makes and drops databases, and leaves nothing behind', async () => {
    const server = await startPostgres({ externalUrl: undefined })
    expect(server.versionNumber).toBeGreaterThanOrEqual(180000)
    const name = await server.createDatabase()
    const client = new pg.Client({ connectionString: server.url(name) })
    await client.connect()
    const { rows } = await client.query(
      "select current_database() as name, has_database_privilege('public', current_database(), 'temp') as temp",
    )
    await client.end()
    expect(rows).toEqual([{ name, temp: false }])
    await server.dropDatabase(name)
    await server.stop()
    const left = await readdir(baseFolder())
    expect(left.filter((entry) => entry.startsWith(`postgres-${process.pid}-`))).toEqual([])
  })
})
