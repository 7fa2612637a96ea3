import { type PgConnection, PgQueryBase } from './pg-internals.ts'

/** DISCARD ALL in the extended protocol; afterwards no prepared statement is left, ours included. */
export class DiscardQuery extends PgQueryBase {
  constructor(callback: (error: Error | null) => void) {
    super({ text: 'discard all', queryMode: 'extended' }, undefined, callback)
  }

  override prepare(connection: PgConnection): void {
    super.prepare(connection)
    connection.parsedStatements = {}
    if (connection.submittedNamedStatements !== undefined) connection.submittedNamedStatements = {}
  }
}
