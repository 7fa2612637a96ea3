import type { Queryable } from '../../catalog/model.ts'
import { quoteIdentifier } from '../../catalog/names.ts'
import { GROUND, readOwnMigrations } from '../../migrate/own-migrations.ts'
import type { LoginNames } from '../plan/login-names.ts'

/**
 * Calls `read` on the schema as it will be once the login roles and partywall's own objects exist. All of it is one transaction that is rolled
 * back, so nothing stays.
 *
 * The application's login gets the rights that it will have through `tenant_user` and `tenant_admin`: `protect` then moves the rights to
 * these roles.
 */
export async function inTrialSchema<T>(
  client: Queryable,
  { app, entry }: LoginNames,
  schemas: readonly string[],
  tables: readonly { readonly name: string; readonly rights: string }[],
  read: (db: Queryable) => Promise<T>,
): Promise<T> {
  await client.query('begin')
  try {
    await client.query("set local lock_timeout = '10s'")
    for (const name of [app, entry]) await client.query(`create role ${quoteIdentifier(name)} login noinherit`)
    const role = quoteIdentifier(app)
    for (const schema of schemas) {
      const name = quoteIdentifier(schema)
      await client.query(`grant usage on schema ${name} to ${role}`)
      await client.query(`grant usage, select on all sequences in schema ${name} to ${role}`)
    }
    for (const { name, rights } of tables) await client.query(`grant ${rights} on ${name} to ${role}`)
    await applyOwn(client)
    return await read(client)
  } finally {
    await client.query('rollback')
  }
}

async function applyOwn(client: Queryable): Promise<void> {
  const files = await readOwnMigrations()
  const ground = files.find(({ name }) => name === GROUND)
  if (ground !== undefined) await client.query(ground.sql)
  const { rows } = await client.query<{ name: string }>('select name from partywall.migrations')
  const applied = new Set(rows.map(({ name }) => name))
  for (const { name, sql } of files) if (name !== GROUND && !applied.has(name)) await client.query(sql)
}
