import type { PgSubmittable } from '../../wire/pg-internals.ts'
import type { RowShapes } from '../../wire/row-shapes.ts'
import type { PreparedTexts } from '../prepared/prepared-texts.ts'
import type { ConnectionGuard } from '../session/connection-guard.ts'

/** Number of bytes that are counted for a row at least, because a row takes more memory than its bytes on the wire. */
export const ROW_BYTES = 64

/** The connection that a query runs on, as far as the query needs it. */
export interface QueryHost {
  readonly guard: ConnectionGuard
  readonly shapes: RowShapes
  readonly prepared: PreparedTexts
  /** Asks the server to cancel the running statement of this connection. */
  cancel(): void
  /** Closes the connection. Its waiting queries get the error. */
  destroySocket(error: Error): void
  getTransactionStatus(): 'I' | 'T' | 'E' | null
  /**
   * Puts the running query, which has failed, in front of the waiting queries. It is submitted again when the server is ready.
   *
   * @returns false where pg has no such queue
   */
  submitAgain(query: PgSubmittable): boolean
  /** Called when the query has ended, and the connection is ready or lost. */
  queryFinished(): void
}
