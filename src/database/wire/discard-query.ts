import { type PgConnection, PgQueryBase } from './pg-internals.ts'

/** DISCARD ALL in the extended protocol. It also removes all prepared statements, including ours. */
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
