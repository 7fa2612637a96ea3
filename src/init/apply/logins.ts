import { randomBytes } from 'node:crypto'
import type { Queryable } from '../../catalog/model.ts'
import { quoteIdentifier, quoteLiteral } from '../../catalog/names.ts'
import type { LoginNames } from '../plan/login-names.ts'
import { scramVerifier } from './scram.ts'

/** A new password for each login. */
interface LoginPasswords {
  readonly app: string
  readonly entry: string
}

export function makePasswords(): LoginPasswords {
  return { app: randomBytes(18).toString('base64url'), entry: randomBytes(18).toString('base64url') }
}

/** Creates both logins, or none. They have no rights yet; the migration gives them. */
export async function createLogins(client: Queryable, names: LoginNames, passwords: LoginPasswords): Promise<void> {
  const create = (name: string, password: string) =>
    `create role ${quoteIdentifier(name)} login noinherit nosuperuser nocreatedb nocreaterole noreplication nobypassrls password ${quoteLiteral(scramVerifier(password))}`
  await client.query('begin')
  try {
    await client.query(create(names.app, passwords.app))
    await client.query(create(names.entry, passwords.entry))
    await client.query('commit')
  } catch (error) {
    await client.query('rollback')
    throw error
  }
}

/** Drops logins that own nothing and have no rights. If an object still depends on a login, the error of PostgreSQL names the object. */
export async function dropLogins(client: Queryable, names: readonly string[]): Promise<void> {
  for (const name of names) await client.query(`drop role if exists ${quoteIdentifier(name)}`)
}
