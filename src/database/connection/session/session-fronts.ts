import { bindExecute } from '../../wire/bind-execute.ts'
import {
  FORGET_STATEMENT,
  type PreparedText,
  RESET_STATEMENT,
  startStatement,
  type TransactionStart,
} from './session-reset.ts'

/** Clean-up statements that are sent before the context. */
export interface FrontBytes {
  readonly bytes: Buffer
  /** How many answers (CommandComplete) they get. */
  readonly answers: number
}

/** The clean-up before a statement, for each situation of the connection. */
export interface SessionFronts {
  /** The same user continues, outside of a transaction. */
  readonly same: FrontBytes
  /** The user changes, outside of a transaction. */
  readonly other: FrontBytes
  /** Before BEGIN. None of these statements takes a snapshot, so that `begin isolation level serializable` may follow. */
  readonly begin: FrontBytes
  /** Before another user's first statement in a transaction: the statements that take a snapshot. */
  readonly inside: FrontBytes
}

/**
 * @param start the properties with which a transaction of this session begins
 * @param restores statements that set the settings of `onConnect` again
 * @param shared true for a pipelined connection, where nobody knows which tenant's settings were in force when the transaction began
 */
export function sessionFronts(
  start: TransactionStart,
  restores: readonly PreparedText[],
  shared: boolean,
): SessionFronts {
  const reset = [RESET_STATEMENT, ...restores.map(({ name }) => name)]
  const isolation = startStatement('isolation', start.isolation)
  const readOnly = startStatement('read_only', start.readOnly)
  const deferrable = startStatement('deferrable', start.deferrable)
  return {
    same: front(reset),
    // The server reports changes of default_transaction_read_only, and such a connection is not used for another tenant.
    other: front([...reset, isolation, ...(shared ? [readOnly] : []), FORGET_STATEMENT]),
    begin: front([...reset, isolation, readOnly, deferrable]),
    inside: front([FORGET_STATEMENT]),
  }
}

function front(names: readonly string[]): FrontBytes {
  return { bytes: Buffer.concat(names.map((name) => bindExecute(name, []))), answers: names.length }
}
