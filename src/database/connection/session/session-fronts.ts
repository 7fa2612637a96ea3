import { bindExecute } from '../../wire/bind-execute.ts'
import {
  FORGET_STATEMENT,
  type PreparedText,
  RESET_STATEMENT,
  startStatement,
  type TransactionStart,
} from './session-reset.ts'

/** Statements of ours that stand in front of the context; compared by identity. */
export interface FrontBytes {
  readonly bytes: Buffer
  /** How many answers (CommandComplete) they get. */
  readonly answers: number
}

/** What stands in front of a statement, by what the connection did before. */
export interface SessionFronts {
  /** The same user goes on, outside of a transaction. */
  readonly same: FrontBytes
  /** Another user comes, outside of a transaction. */
  readonly other: FrontBytes
  /** Of BEGIN. None of them takes a snapshot, so that `begin isolation level serializable` may follow. */
  readonly begin: FrontBytes
  /** Another user's first statement in a transaction: what takes a snapshot. */
  readonly inside: FrontBytes
}

/**
 * @param start what a transaction of this session begins with
 * @param restores make the settings of `onConnect` again
 * @param shared a pipelined connection: whose settings were in force when its transaction began is not known
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
    // default_transaction_read_only is a setting that the server reports: a connection where it was changed serves nobody else.
    other: front([...reset, isolation, ...(shared ? [readOnly] : []), FORGET_STATEMENT]),
    begin: front([...reset, isolation, readOnly, deferrable]),
    inside: front([FORGET_STATEMENT]),
  }
}

function front(names: readonly string[]): FrontBytes {
  return { bytes: Buffer.concat(names.map((name) => bindExecute(name, []))), answers: names.length }
}
