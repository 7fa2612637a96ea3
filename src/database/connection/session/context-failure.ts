import { ConfigurationError, ConnectionInDoubtError } from '../../../errors.ts'
import { carriesData } from '../../statement/statement-effects.ts'
import type { StatementKind } from '../../statement/statement-kind.ts'
import { isServerError } from '../../wire/pg-internals.ts'
import type { ConnectionGuard } from './connection-guard.ts'

/** How many times work that did not run is sent again, each time on another connection. */
export const SENDS_AGAIN = 3

const cutShort = new WeakSet<Error>()

/**
 * Whether the statement did not run because of something that another tenant had done to the connection. The statement may then be sent on
 * another connection.
 */
export function maySendAgain(error: unknown): boolean {
  return error instanceof Error && cutShort.has(error)
}

/**
 * The error if a prepared statement of ours is gone. An attacker who removed it may also have replaced another prepared statement, so the
 * connection is discarded.
 */
export function lostStatement(error: Error, guard: ConnectionGuard): Error {
  guard.discard('a prepared statement of ours was gone')
  const doubt = new ConnectionInDoubtError(
    'The connection had lost a prepared statement of partywall’s and was destroyed; the statement did not run.',
    { cause: error },
  )
  cutShort.add(doubt)
  return doubt
}

/** Errors with which the server ends a session: transaction_timeout (since PostgreSQL 17) and idle_session_timeout. */
const ENDS_BY_TIME = new Set(['25P04', '57P05'])

/** Error codes that mean that roles or settings are set up wrongly. */
const SETUP_CODES = new Set(['22023', '42501', '42704'])

/** Where a statement of ours failed. */
interface FailurePlace {
  readonly kind: StatementKind
  /** How many answers to the prefix were outstanding. The prefix are the clean-up and context statements before the user's statement. */
  readonly left: number
  /** The statement was sent inside a transaction that was open already. */
  readonly inTransaction: boolean
}

/**
 * Whether the error came before the statement of the user could run. A BEGIN behind a pooler has no prefix; if a time limit stopped it,
 * nothing has run.
 */
export function precedesStatement(error: Error, guard: ConnectionGuard, { kind, left }: FailurePlace): boolean {
  return left > 0 || (guard.settings.pooler && kind === 'begin' && isServerError(error) && error.code === '57014')
}

/**
 * Returns the error for the caller if the context could not be set, or a BEGIN was refused, so that the user's statement never ran. If
 * roles or settings are set up wrongly, the error explains this.
 */
export function contextFailure(error: Error, guard: ConnectionGuard, place: FailurePlace): Error {
  if (!isServerError(error)) return error
  if (error.code === '26000' || error.code === '42P14') {
    guard.discard('its prepared context statement was gone')
    return new ConnectionInDoubtError(
      'The connection had lost its prepared context statement and was destroyed; the statement did not run.',
      { cause: error },
    )
  }
  if (ENDS_BY_TIME.has(error.code) || (error.code === '57014' && isLimitOfOthers(guard, place))) {
    guard.discard('a time limit of its last tenant cut its clean-up short')
    const doubt = new ConnectionInDoubtError(
      'A time limit that the connection’s last tenant had set stopped the clean-up. The connection was destroyed, and the statement did not run.',
      { cause: error },
    )
    cutShort.add(doubt)
    return doubt
  }
  if (!SETUP_CODES.has(error.code)) return error
  return new ConfigurationError(
    `PostgreSQL refused the tenant’s context (${error.code}: ${error.message}); the statement did not run. ` +
      'Check that the login role may become the tenant roles: GRANT tenant_user, tenant_admin TO <login> WITH INHERIT FALSE, SET TRUE.',
    { cause: error },
  )
}

/** Whether a cancelled prefix was cancelled by a time limit that the last tenant of the session had set. */
function isLimitOfOthers({ settings }: ConnectionGuard, { kind, left, inTransaction }: FailurePlace): boolean {
  // No clean-up can be sent behind a pooler, so the limit is in force until our context replaces it.
  if (settings.pooler) return !inTransaction
  // We send [clean-up…, context] before a statement with data, and only [clean-up…] before others. If more answers are outstanding than
  // that of the context, the clean-up itself was cancelled.
  return left > (carriesData(kind) ? 1 : 0)
}
