import type { ContextFrame } from '../../../context/frame.ts'
import { carriesData } from '../../statement/statement-effects.ts'
import { statementKind } from '../../statement/statement-kind.ts'
import type { PgConnection, PgField } from '../../wire/pg-internals.ts'
import { contextText } from '../session/context-statement.ts'
import type { QueryHost } from './query-host.ts'
import { TenantQuery } from './tenant-query.ts'

/**
 * A text that may contain several statements. It is sent by the simple protocol, with the context in front, in the same text. Bind and
 * Execute must never precede a simple Query: PostgreSQL would leave their implicit transaction open after a single statement.
 *
 * It is used only with the option `multiStatements`, and only in unsealed pools, because injected SQL can add further statements to such a
 * text.
 */
export class MultiStatementQuery extends TenantQuery {
  protected override submitAsCaller(connection: PgConnection): Error | null | undefined {
    this.sent = true
    this.skip = sendSeveral(connection, this.text, this.frame, this.hostOrThrow())
    return null
  }

  override handleRowDescription(message: { readonly fields: readonly PgField[] }): void {
    if (this.skip === 0) super.handleRowDescription(message)
  }
}

/** Sends a text of any number of statements. @returns how many answers belong to the context in front of it */
export function sendSeveral(connection: PgConnection, text: string, frame: ContextFrame, host: QueryHost): number {
  const { guard } = host
  const status = host.getTransactionStatus()
  const alone = !/;\s*\S/.test(text)
  guard.leftResidue()
  if (status === 'E' || (alone && !carriesData(statementKind(text)))) {
    connection.query(text)
    return 0
  }
  connection.query(`${contextText(guard.prefix.identities.of(frame), guard.settings)}; ${text}`)
  return 1
}
