import { AsyncResource } from 'node:async_hooks'
import type { ContextFrame } from '../../../context/frame.ts'
import { ConnectionInDoubtError, StatementRefusedError } from '../../../errors.ts'
import { refuseShape } from '../../statement/query-shape.ts'
import { type StatementKind, statementKind } from '../../statement/statement-kind.ts'
import { tellLost } from '../../wire/lost-cursor.ts'
import { tooLarge } from '../../wire/message-bounds.ts'
import {
  endsSession,
  type PgCommandComplete,
  type PgConnection,
  type PgField,
  type PgResult,
  type PgSubmittable,
} from '../../wire/pg-internals.ts'
import { withoutName } from '../../wire/prepared-statement.ts'
import { contextFailure, precedesStatement } from '../session/context-failure.ts'
import { sendSeveral } from './multi-statement-query.ts'
import { losesName } from './own-name.ts'
import { type QueryHost, ROW_BYTES } from './query-host.ts'
import { explainServerError } from './statement-cures.ts'

/**
 * Runs a query object of another library (pg-cursor, pg-query-stream, a copy stream, a plain `pg.Query`) with its tenant's context.
 *
 * It takes the object's place in pg's queue and passes calls on to it, always in the caller's context. Without that, handlers of `row`,
 * `end` and `error` would run in the context of the code that opened the connection.
 */
export class ForeignQuery implements PgSubmittable {
  readonly frame: ContextFrame
  readonly kind: StatementKind
  readonly inner: PgSubmittable
  readonly host: QueryHost
  failure: Error | undefined
  onFinished: ((query: ForeignQuery) => void) | undefined
  /** Stops the timer of its `query_timeout`. */
  stopTimer: (() => void) | undefined
  #skip = 0
  #bytes = 0
  #prefixAnswers = 0
  #sent = false
  #finished = false
  #gaveUp = false
  readonly #caller: AsyncResource

  constructor(inner: PgSubmittable, host: QueryHost, frame: ContextFrame) {
    this.inner = inner
    this.host = host
    this.frame = frame
    this.kind = foreignKind(inner)
    this.#caller = new AsyncResource('PARTYWALL_QUERY')
  }

  get text(): unknown {
    return this.inner.text
  }

  /** The statement's name. It is hidden while answers to our own statements are due, or pg would take our ParseComplete for the user's. */
  get name(): string | undefined {
    return this.#skip > 0 ? undefined : this.inner.name
  }

  get callback(): PgSubmittable['callback'] {
    return this.inner.callback
  }

  get _result(): PgResult | undefined {
    return this.inner._result
  }

  submit(connection: PgConnection): Error | null | undefined {
    const { guard } = this.host
    const status = this.host.getTransactionStatus()
    const named = this.inner.name && losesName(this.frame, this.host) ? withoutName(this.inner) : undefined
    const refusal = guard.admit(this.frame, status) ?? this.#refuseCopy(status) ?? named
    if (refusal !== undefined) return refusal
    const prefix = () => {
      this.#sent = true
      this.#skip = guard.writePrefix(connection, this.frame, this, status)
    }
    connection.stream.cork()
    try {
      return refuseShape(this.inner) ?? this.#caller.runInAsyncScope(() => this.#submitInner(connection, prefix))
    } catch (error) {
      const told = error instanceof Error ? error : new Error(String(error))
      if (this.#sent)
        this.host.destroySocket(
          new ConnectionInDoubtError('A statement could not be sent as a whole.', { cause: error }),
        )
      return told
    } finally {
      connection.stream.uncork()
    }
  }

  #submitInner(connection: PgConnection, prefix: () => void): Error | null | undefined {
    const { inner } = this
    if (!hasPrepare(inner)) {
      // A copy stream takes over the socket at once: nothing of ours may be on its way.
      if (this.kind === 'copy-to') this.#sent = true
      else prefix()
      return inner.submit(connection) ?? null
    }
    // submit() of pg.Query checks the query and then calls prepare(). So the context statement is written only in prepare(). If it were sent first,
    // and the check then failed, nobody would read its answer.
    if (this.host.guard.settings.multiStatements && !inner.requiresPreparation()) {
      this.#sent = true
      this.#skip = sendSeveral(connection, String(inner.text), this.frame, this.host)
      return null
    }
    const { prepare } = inner
    inner.queryMode = 'extended'
    inner.prepare = (where) => {
      prefix()
      prepare.call(inner, where)
    }
    try {
      return inner.submit(connection)
    } finally {
      Reflect.deleteProperty(inner, 'prepare')
    }
  }

  #refuseCopy(status: string | null): Error | undefined {
    if (this.kind !== 'copy-to' || (status === 'T' && this.host.guard.contextInForce)) return undefined
    return new StatementRefusedError(
      'A COPY … TO stream needs an open transaction in which a statement has run: use pool.transaction(), and run a query before it.',
    )
  }

  handleRowDescription(message: { readonly fields: readonly PgField[] }): void {
    // A row description of our own context statement, which only the simple protocol sends, is ignored.
    if (this.#skip > 0) return
    this.#caller.runInAsyncScope(() => this.inner.handleRowDescription(message))
  }

  handleDataRow(message: { readonly fields: readonly unknown[]; readonly length: number }): void {
    if (this.#skip > 0) return
    // A plain pg.Query without a listener collects its rows; cursors and streams hand them on.
    if ('_accumulateRows' in this.inner && this.inner._accumulateRows) {
      const { maxResultBytes } = this.host.guard.settings
      this.#bytes += Math.max(message.length, ROW_BYTES)
      if (this.#bytes > maxResultBytes)
        throw tooLarge(`The answer has more than ${maxResultBytes} bytes`, maxResultBytes)
    }
    this.#caller.runInAsyncScope(() => this.inner.handleDataRow(message))
  }

  handleCommandComplete(message: PgCommandComplete, connection: PgConnection): void {
    if (this.#skip > 0) {
      this.host.guard.prefixAnswered(message.text, this.#prefixAnswers++)
      if (--this.#skip === 0) this.host.guard.prefixDone()
      return
    }
    this.host.guard.commandComplete(message.text, this.kind)
    this.#caller.runInAsyncScope(() => this.inner.handleCommandComplete(message, connection))
  }

  handleEmptyQuery(connection: PgConnection): void {
    this.#caller.runInAsyncScope(() => this.inner.handleEmptyQuery(connection))
  }

  handlePortalSuspended(connection: PgConnection): void {
    this.#caller.runInAsyncScope(() => this.inner.handlePortalSuspended?.(connection))
  }

  handleCopyInResponse(connection: PgConnection): void {
    this.#caller.runInAsyncScope(() => this.inner.handleCopyInResponse?.(connection))
  }

  handleCopyData(message: unknown, connection: PgConnection): void {
    this.#caller.runInAsyncScope(() => this.inner.handleCopyData?.(message, connection))
  }

  handleReadyForQuery(connection: PgConnection): void {
    this.finish()
    this.#caller.runInAsyncScope(() => this.inner.handleReadyForQuery(connection))
  }

  handleError(error: Error, connection: PgConnection): void {
    if (this.#gaveUp) {
      this.finish()
      return
    }
    const { guard } = this.host
    const place = { kind: this.kind, left: this.#skip, inTransaction: this.host.getTransactionStatus() !== 'I' }
    const told = precedesStatement(error, guard, place)
      ? contextFailure(error, guard, place)
      : explainServerError(error, this.frame, guard.settings.events)
    this.failure ??= told
    if (!this.#sent) this.finish()
    else if (endsSession(error)) {
      guard.discard('the server or the network ended it')
      this.finish()
      this.#tellLost(told, connection)
      return
    } else {
      connection.once('readyForQuery', () => this.finish())
      guard.awaiting = this
    }
    this.#caller.runInAsyncScope(() => this.inner.handleError(told, connection))
  }

  /** Reports a timeout to the caller at once, and nothing after it. The connection must be closed. */
  giveUp(error: Error, connection: PgConnection): void {
    this.failure ??= error
    this.#gaveUp = true
    this.#tellLost(error, connection)
  }

  #tellLost(error: Error, connection: PgConnection): void {
    tellLost(this.inner, connection, () => {
      this.#caller.runInAsyncScope(() => this.inner.handleError(error, connection))
    })
  }

  /** Called when the connection is lost. The inner object has already reported the loss to its caller. */
  connectionLost(): void {
    this.finish()
  }

  finish(): void {
    if (this.#finished) return
    this.#finished = true
    this.stopTimer?.()
    this.host.queryFinished()
    this.onFinished?.(this)
  }
}

type WithPrepare = PgSubmittable & {
  queryMode?: string
  prepare(connection: PgConnection): void
  requiresPreparation(): boolean
}

/** Tests for the method and not for the class, because the object may come from a second copy of pg. */
function hasPrepare(query: PgSubmittable): query is WithPrepare {
  return 'prepare' in query && typeof query.prepare === 'function'
}

/** The kind of a statement of another library. If its text can't be read, it is `other`. */
export function foreignKind(query: PgSubmittable): StatementKind {
  const text = foreignText(query)
  return text === undefined ? 'other' : statementKind(text)
}

/**
 * Stands in for the text of a statement that only has a name. Its real text was classified when it was sent. Here, the statement is treated
 * as one that may use data.
 */
export const NAMED_TEXT = 'select '

export function foreignText(query: PgSubmittable): string | undefined {
  if (typeof query.text === 'string') return query.text
  if (typeof query.name === 'string' && query.name !== '') return NAMED_TEXT
  // pg-query-stream keeps its text in the cursor that it drives.
  if (!('cursor' in query)) return undefined
  const { cursor } = query
  const text: unknown = cursor !== null && typeof cursor === 'object' ? Reflect.get(cursor, 'text') : undefined
  return typeof text === 'string' ? text : undefined
}
