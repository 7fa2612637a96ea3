import pg from 'pg'
import type { Queryable } from '../../catalog/model.ts'
import { likenessOf, type ReadSchema, readSchema } from './read-schema.ts'

/** A copy that is like its original in all that decides access; or why there is none. */
type SchemaCopy = { readonly ok: true } | { readonly ok: false; readonly reason: string }

const MAX_ROUNDS = 12

/**
 * Copies a schema, without rows, into an empty database of a throw-away server, from the catalogs alone.
 *
 * The copy is held against the original afterwards: tables, columns, policies, owners, rights, code, triggers. Where they differ,
 * or a statement could not be run, there is no copy.
 *
 * @param source any connection that may read the catalogs
 * @param targetUrl superuser's URL of the empty database
 */
export async function copySchema(source: Queryable, targetUrl: string): Promise<SchemaCopy> {
  const schema = await readSchema(source)
  const client = new pg.Client({ connectionString: targetUrl })
  await client.connect()
  try {
    await client.query(`set check_function_bodies = off; set search_path = ''; set client_min_messages = error`)
    await makeRoles(client, schema)
    const refused = await runAll(client, schema.statements)
    if (refused !== undefined) return { ok: false, reason: refused }
    const likeness = await likenessOf({ query: (text) => client.query(text) })
    const missing = firstDifference(schema.likeness, likeness)
    return missing === undefined ? { ok: true } : { ok: false, reason: `the copy differs from it in: ${missing}` }
  } finally {
    await client.end()
  }
}

async function makeRoles(client: pg.Client, { roles, memberships }: ReadSchema): Promise<void> {
  const { rows } = await client.query<{ name: string }>('select rolname as name from pg_roles')
  const there = new Set(rows.map((row) => row.name))
  for (const { name, sql } of roles) if (!there.has(name)) await client.query(sql)
  // A membership that the server gave to whoever made the role is there already.
  for (const sql of memberships) await client.query(sql).catch(() => {})
}

/** Runs what can be run, and what was refused again, until nothing more succeeds. @returns the first refusal that stays */
async function runAll(client: pg.Client, statements: readonly string[]): Promise<string | undefined> {
  let waiting = statements
  for (let round = 0; round < MAX_ROUNDS && waiting.length > 0; round += 1) {
    const refused: string[] = []
    let reason = ''
    for (const sql of waiting) {
      try {
        await client.query(sql)
      } catch (error) {
        refused.push(sql)
        reason ||= `${error instanceof Error ? error.message : String(error)} (${sql.replace(/\s+/g, ' ').slice(0, 80)} …)`
      }
    }
    if (refused.length === waiting.length) return reason
    waiting = refused
  }
  return undefined
}

function firstDifference(before: string, after: string): string | undefined {
  const [one, two] = [new Set(before.split('\n')), new Set(after.split('\n'))]
  return [...one].find((line) => !two.has(line)) ?? [...two].find((line) => !one.has(line))
}
