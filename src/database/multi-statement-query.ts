import { contextText } from './context-statement.ts'
import type { PgConnection } from './pg-internals.ts'
import { carriesData } from './statement-effects.ts'
import { statementKind } from './statement-kind.ts'
import { TenantQuery } from './tenant-query.ts'

/**
 * A text that may hold several statements, sent by the simple protocol: the context goes in front, in the same text. Never Bind and
 * Execute before a simple Query: PostgreSQL would leave their implicit transaction open behind a single statement.
 *
 * Opt-in (`multiStatements`), unsealed pools only: whoever can inject into such a text can stack statements.
 */
export class MultiStatementQuery extends TenantQuery {
  protected override submitAsCaller(connection: PgConnection): Error | null | undefined {
    const host = this.hostOrThrow()
    const { guard } = host
    const status = host.getTransactionStatus()
    this.sent = true
    const alone = !/;\s*\S/.test(this.text)
    const bare = status === 'E' || (alone && !carriesData(statementKind(this.text)))
    if (bare) connection.query(this.text)
    else {
      this.skip = 1
      connection.query(`${contextText(guard.identities.of(this.frame), guard.settings)}; ${this.text}`)
    }
    guard.dirty = true
    return null
  }

  override handleRowDescription(message: { readonly fields: readonly unknown[] }): void {
    if (this.skip === 0) super.handleRowDescription(message)
  }
}
