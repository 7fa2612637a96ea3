import pg from 'pg'
import { contextForms, contextStatement, contextStatementName, isUnnamed } from './context-statement.ts'
import { type PgConnection, PgQueryBase, type PgResult } from './pg-internals.ts'
import {
  FORGET_STATEMENT,
  FORGET_TEXT,
  type PreparedText,
  RESET_STATEMENT,
  RESET_TEXT,
  startupSettings,
} from './session-reset.ts'
import type { WallSettings } from './wall-settings.ts'

const TEXT_OID = 25

/** What a connection learns of itself when it is set up. */
export interface SetupFacts {
  /** The database's real name: a pooler may know it by another. */
  readonly database: string
  /** RESET ALL brings back the path and time-outs that the pool was made with. A proxy in between may have dropped the start-up options. */
  readonly startupInForce: boolean
}

/**
 * The first query of a connection: asks for {@link SetupFacts} and, in the same round trip, prepares our statements. Its own
 * statement has no name, so that pg does not take their ParseComplete for it.
 */
export class SetupQuery extends PgQueryBase {
  readonly #statements: readonly PreparedText[]

  constructor(
    settings: WallSettings,
    statements: readonly PreparedText[],
    callback: (error: Error | null, row: unknown) => void,
  ) {
    super({ text: factsText(settings), queryMode: 'extended' }, undefined, (error: Error | null, result?: PgResult) =>
      callback(error, result?.rows[0]),
    )
    this.#statements = statements
  }

  override prepare(connection: PgConnection): void {
    for (const statement of this.#statements) connection.parse(statement)
    super.prepare(connection)
  }
}

/** What a connection prepares for the clean-up between statements; nothing behind a transaction pooler. */
export function resetStatements(settings: WallSettings): readonly PreparedText[] {
  if (settings.pooler) return []
  return [
    { name: RESET_STATEMENT, text: RESET_TEXT },
    { name: FORGET_STATEMENT, text: FORGET_TEXT },
  ]
}

/** The forms of the context statement that a connection prepares. */
export function contextStatements(settings: WallSettings, base: 'identity' | 'full'): readonly PreparedText[] {
  if (isUnnamed(settings)) return []
  return contextForms(base).map((form) => ({
    name: contextStatementName(form, settings),
    text: contextStatement(form, settings),
    types: [TEXT_OID, TEXT_OID, TEXT_OID],
  }))
}

/** The value in force stands in front of the wanted one: the server evaluates them in this order, and spells both alike. */
function factsText(settings: WallSettings): string {
  const inForce = [...startupSettings(settings)].map(([name, value]) => {
    const quoted = pg.escapeLiteral(name)
    return `pg_catalog.current_setting(${quoted}) operator(pg_catalog.=) pg_catalog.set_config(${quoted}, ${pg.escapeLiteral(value)}, true)`
  })
  return `select pg_catalog.current_database() as database, (${inForce.join(' and ')})::pg_catalog.text as in_force`
}

/** @throws {Error} where the server answered something else */
export function readSetupFacts(row: unknown): SetupFacts {
  if (row === null || typeof row !== 'object' || !('database' in row) || !('in_force' in row))
    throw new Error('PostgreSQL did not tell the name of the database')
  return { database: String(row.database), startupInForce: row.in_force === 'true' }
}
