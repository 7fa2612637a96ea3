import pg from 'pg'
import type { Statement } from './split-statements.ts'

/** The savepoint around each statement of a file's own transaction. */
export const SAVEPOINT = 'partywall_statement'

const createsRole = /^create (?:role|user|group) (?:"((?:[^"]|"")+)"|([^\s"]+))/

/** The role that a statement creates. Undefined if it creates none. */
export function createdRole(statement: Statement): string | undefined {
  const match = createsRole.exec(statement.head)
  return match?.[1]?.replaceAll('""', '"') ?? match?.[2]
}

/** Whether another session of the same server created the same role at the same moment. Roles belong to the server, not to a database. */
export function lostRace(error: unknown): boolean {
  return isDatabaseError(error, '23505') && error.constraint === 'pg_authid_rolname_index'
}

/** Whether another session created the role: it was missing when the run began, and no statement of the run created it. */
export function createdElsewhere(statement: Statement, error: unknown, rolesMade: ReadonlySet<string>): boolean {
  const role = createdRole(statement)
  return role !== undefined && !rolesMade.has(role) && isDatabaseError(error, '42710')
}

function isDatabaseError(error: unknown, code: string): error is pg.DatabaseError {
  return error instanceof pg.DatabaseError && error.code === code
}

/**
 * Creates the role on the file's own connection. A role that another session created would not be seen inside the file's transaction,
 * because the server has cached that it does not exist. After a ROLLBACK of the file, the role is created again when it is next mentioned.
 */
export async function addRole(client: pg.Client, role: string, url: string): Promise<void> {
  const text = `create role ${pg.escapeIdentifier(role)} nologin`
  const inside = client.getTransactionStatus() === 'T'
  try {
    if (inside) await client.query(`savepoint ${SAVEPOINT}`)
    await client.query(text)
    if (inside) await client.query(`release savepoint ${SAVEPOINT}`)
  } catch (error) {
    if (!(error instanceof pg.DatabaseError)) throw error
    if (inside) await client.query(`rollback to savepoint ${SAVEPOINT}`)
    // Another run on the same server created the role at the same moment.
    if (error.code === '42710' || error.code === '23505') return
    // insufficient_privilege: the file did SET ROLE to a role without CREATEROLE.
    if (error.code !== '42501') throw error
    await asSuperuser(url, text)
  }
}

async function asSuperuser(url: string, text: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {}) // the running statement reports the error
  await client.connect()
  try {
    await client.query(text)
  } finally {
    await client.end()
  }
}
