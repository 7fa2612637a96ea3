import pg from 'pg'
import type { Queryable } from '../../catalog/model.ts'
import { standInFor } from '../../verify/sources/stand-ins.ts'
import { likenessOf, type ReadSchema, readMemberships, readSchema } from './read-schema.ts'

/** A copy that equals its original in everything that decides about access, or the reason why there is none. */
type SchemaCopy = { readonly ok: true } | { readonly ok: false; readonly reason: string }

const MAX_ROUNDS = 12

/**
 * Copies a schema, without rows, into an empty database of a throw-away server, from the catalogs alone.
 *
 * Afterwards the copy is compared with the original: tables, columns, policies, owners, rights, code, triggers. If they differ, or if a
 * statement failed, there is no copy.
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
    const missingRole = await makeRoles(client, schema, source)
    if (missingRole !== undefined) return { ok: false, reason: missingRole }
    const query = (text: string) => client.query(text)
    const unmade = (await runAll(client, schema.schemas)) ?? (await makeExtensions(client, schema))
    if (unmade !== undefined) return { ok: false, reason: unmade }
    // Leave stand-ins out: they are ordinary objects in the copy, but members of their extension in the original.
    const standIns = await likenessOf({ query })
    const refused = await runAll(client, schema.statements)
    if (refused !== undefined) return { ok: false, reason: refused }
    const database = pg.escapeIdentifier(client.database ?? '')
    for (const sql of schema.settings) await query(sql.replace('$DATABASE', () => database)).catch(() => {})
    const missing = firstDifference(schema.likeness, await likenessOf({ query }), standIns)
    return missing === undefined ? { ok: true } : { ok: false, reason: `the copy differs from it in: ${missing}` }
  } finally {
    await client.end()
  }
}

/** @returns the reason why a role or a membership could not be created. The copy would then have other privileges than the original */
async function makeRoles(
  client: pg.Client,
  { roles, memberships }: ReadSchema,
  source: Queryable,
): Promise<string | undefined> {
  const { rows } = await client.query<{ name: string }>('select rolname as name from pg_roles')
  const there = new Set(rows.map((row) => row.name))
  for (const { name, sql } of roles) {
    if (there.has(name) || !(await hasRole(source, name))) continue
    await client.query(sql).catch((error: unknown) => {
      // duplicate_object, unique_violation: another session of the server created the role at the same moment.
      if (!(error instanceof pg.DatabaseError) || (error.code !== '42710' && error.code !== '23505')) throw error
    })
  }
  const granted = new Set(await readMemberships({ query: (text) => client.query(text) }))
  for (const sql of memberships) {
    if (granted.has(sql)) continue
    try {
      await client.query(sql)
    } catch (error) {
      // 0LP01: the superuser of the copy grants all memberships. A membership of this superuser itself would be circular, and a superuser
      // needs none.
      if (error instanceof pg.DatabaseError && error.code === '0LP01') continue
      // Another session can have ended the membership since it was read.
      if (!(await readMemberships(source)).includes(sql)) continue
      return `${String(error)} (${sql})`
    }
  }
  return undefined
}

/** Roles belong to the whole server: another session can have dropped the role since it was read. */
async function hasRole(db: Queryable, name: string): Promise<boolean> {
  return (await db.query(`select from pg_roles where rolname = ${pg.escapeLiteral(name)}`)).rows.length > 0
}

/**
 * Creates each extension in the same schema as in the original. For an extension that this server lacks it creates a stand-in.
 *
 * @returns the reason if an extension could not be created
 */
async function makeExtensions(client: pg.Client, { extensions }: ReadSchema): Promise<string | undefined> {
  const { rows } = await client.query<{ name: string }>('select name from pg_available_extensions')
  const available = new Set(rows.map((row) => row.name))
  for (const { name, sql } of extensions) {
    if (available.has(name)) {
      const refused = await runAll(client, [`${sql} CASCADE`])
      if (refused !== undefined) return refused
      continue
    }
    const stands = standInFor(name, sql)
    if (stands === undefined)
      return `the server for the copy has no extension ${name}, and partywall has no stand-in for it`
    await client.query(stands.sql)
  }
  return undefined
}

/** Runs all statements, and repeats the refused statements until none of them succeeds. @returns the first refusal that remains */
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

/** @param added lines that the second list may contain in addition */
function firstDifference(before: string, after: string, added: string): string | undefined {
  const [one, two, more] = [before, after, added].map((lines) => new Set(lines.split('\n'))) as [
    Set<string>,
    Set<string>,
    Set<string>,
  ]
  return [...one].find((line) => !two.has(line)) ?? [...two].find((line) => !one.has(line) && !more.has(line))
}
