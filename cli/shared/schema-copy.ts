import pg from 'pg'
import { copySchema } from '../../src/compare/copy/copy-schema.ts'
import { startPostgres } from '../../src/embedded/start-postgres.ts'
import type { ThrowAwayServer } from '../../src/embedded/throw-away-server.ts'
import { connect } from '../../src/verify/connect.ts'

/** The URL, with a superuser's login, of a copy that nobody else uses; or the reason why there is no copy. `close()` removes the copy. */
export type OpenedCopy =
  | { readonly url: string; close(): Promise<void> }
  | { readonly missing: string; close(): Promise<void> }

/** Copies the schema of a database to an embedded server. Only the catalogs of the database are read: no rows, and nothing is written. */
export async function openCopy(databaseUrl: string, signal?: AbortSignal): Promise<OpenedCopy> {
  const nothing = async () => {}
  let server: ThrowAwayServer
  try {
    server = await startPostgres()
  } catch (error) {
    return { missing: `there is no throw-away server to try it on (${firstLine(error)})`, close: nothing }
  }
  const close = () => server.stop()
  if (server.external)
    return {
      missing: 'the server that PARTYWALL_POSTGRES_URL names is shared, and roles would have to be made there',
      close,
    }
  const source = await connect(databaseUrl, signal)
  try {
    await source.query('begin isolation level repeatable read read only')
    const name = await server.createDatabase()
    const db = {
      query: (text: string, values?: readonly unknown[]) =>
        source.query(text, values === undefined ? undefined : [...values]),
    }
    const copy = await copySchema(db, server.url(name))
    return copy.ok
      ? { url: server.url(name), close }
      : { missing: `the schema could not be copied: ${copy.reason}`, close }
  } catch (error) {
    return { missing: `the schema could not be copied: ${firstLine(error)}`, close }
  } finally {
    await source.end().catch(() => {}) // all answers were read, so an error while closing does not matter
  }
}

/** A connection to a copy. */
export async function connectToCopy(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  return client
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n', 1)[0] ?? ''
}
