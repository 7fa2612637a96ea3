import { CONTEXT_FORMS, contextStatement, contextStatementName, isUnnamed } from './context-statement.ts'
import { type PgConnection, PgQueryBase } from './pg-internals.ts'
import { RESET_STATEMENT, RESET_TEXT, RESTORE_STATEMENT, RESTORE_TEXT } from './session-reset.ts'
import type { WallSettings } from './wall-settings.ts'

const TEXT_OID = 25

/**
 * The first query of a connection: asks for the database's real name (a pooler may know it by another) and, in the same round
 * trip, prepares our statements. Its own statement has no name, so that pg does not take their ParseComplete for it.
 */
export class SetupQuery extends PgQueryBase {
  readonly #settings: WallSettings

  constructor(settings: WallSettings, callback: (error: Error | null, result?: { rows: unknown[] }) => void) {
    super({ text: 'select pg_catalog.current_database() as database', queryMode: 'extended' }, undefined, callback)
    this.#settings = settings
  }

  override prepare(connection: PgConnection): void {
    if (!isUnnamed(this.#settings)) {
      for (const form of CONTEXT_FORMS) {
        connection.parse({
          name: contextStatementName(form, this.#settings),
          text: contextStatement(form, this.#settings),
          types: [TEXT_OID, TEXT_OID, TEXT_OID],
        })
      }
      connection.parse({ name: RESET_STATEMENT, text: RESET_TEXT })
      connection.parse({ name: RESTORE_STATEMENT, text: RESTORE_TEXT, types: [TEXT_OID, TEXT_OID] })
    }
    super.prepare(connection)
  }
}
