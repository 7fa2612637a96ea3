import { AsyncResource } from 'node:async_hooks'
import type { ContextFrame } from '../../../context/frame.ts'
import { ConnectionInDoubtError } from '../../../errors.ts'
import { isQueryOrWrite, type StatementKind } from '../../statement/statement-kind.ts'
import { tooLarge } from '../../wire/message-bounds.ts'
import {
  endsSession,
  type PgCommandComplete,
  type PgConnection,
  type PgField,
  PgQueryBase,
} from '../../wire/pg-internals.ts'
import { withoutName } from '../../wire/prepared-statement.ts'
import { statementMessage } from '../../wire/statement-message.ts'
import { contextFailure, maySendAgain, precedesStatement } from '../session/context-failure.ts'
import { losesName, OwnName } from './own-name.ts'
import { isPlain, takeConfig } from './plain-config.ts'
import { type QueryHost, ROW_BYTES } from './query-host.ts'
import { explainServerError } from './statement-cures.ts'

export type QueryCallback = (error: Error | null | undefined, result?: unknown) => void

const NO_VALUES: readonly unknown[] = []
const NO_FIELDS: readonly PgField[] = []

function isSendable(values: unknown): values is readonly unknown[] | undefined | null {
  return values === undefined || values === null || Array.isArray(values)
}

/**
 * A `pg.Query` that carries its tenant: in one corked write the context statement goes first, then the user's own messages and one Sync.
 * Everything up to Sync is one implicit transaction: the context is in force for exactly this statement. If the context can't be set, the
 * statement never runs.
 *
 * The hooks are methods of the prototype, so a query needs no closures and no patched methods.
 */
export class TenantQuery extends PgQueryBase {
  readonly frame: ContextFrame
  readonly kind: StatementKind
  host: QueryHost | undefined = undefined
  resolve: ((result: unknown) => void) | undefined = undefined
  reject: ((error: Error) => void) | undefined = undefined
  answerTo: QueryCallback | undefined = undefined
  /** The error argument of a callback when there is no error. pg's `client.query` passes null, `pool.query` undefined. */
  noError: null | undefined = null
  /** Called once, when the connection is free again. */
  onFinished: ((query: TenantQuery) => void) | undefined = undefined
  /** Sends the statement again on another connection, if it failed here before it ran. Called in the caller's context. */
  sendAgain: ((unsent: TenantQuery) => void) | undefined = undefined
  failure: Error | undefined = undefined
  /** Number of answers to our own statements that are still outstanding. */
  skip = 0
  answered = false
  finishedOnce = false
  building = false
  /** Whether any part of it has been written to the socket. */
  sent = false
  timeoutMs = 0
  timer: NodeJS.Timeout | undefined = undefined
  /** Removes the listener from the AbortSignal. */
  stopListening: (() => void) | undefined = undefined
  /** Number of the Parse of the unnamed context statement in front of it; 0 if there was none. */
  contextParse = 0
  /** The user's name of the statement. It is hidden while answers to our statements are due, or pg would mistake our ParseComplete for its own. */
  hiddenName: string | undefined = undefined
  readonly #ownName: OwnName
  /**
   * The caller's async context. A query calls code of the application that may read `getCurrentTenant()`: `toPostgres()` and `toJSON()` of
   * values, type parsers, `levelOf`. Without this, it would run in the context of the code that opened or released the connection.
   */
  readonly #caller = new AsyncResource('PARTYWALL_QUERY')
  #prefixAnswers = 0
  /** The name of the prepared statement whose columns the server was asked to describe. */
  #describes: string | undefined = undefined
  /** Bytes of the rows received so far. */
  #bytes = 0

  constructor(config: unknown, values: unknown, frame: ContextFrame, kind: StatementKind) {
    const plain = isPlain(config)
    super(plain ? config.text : config, plain ? undefined : values)
    if (plain) takeConfig(this, config, values)
    this.frame = frame
    this.kind = kind
    this.queryMode = 'extended'
    this.#ownName = new OwnName(config)
  }

  override submit(connection: PgConnection): Error | null | undefined {
    // The query was aborted while it waited in the queue: nothing is sent.
    if (this.failure !== undefined) return this.failure
    const host = this.hostOrThrow()
    const refusal = host.guard.admit(this.frame, host.getTransactionStatus())
    if (refusal !== undefined) return refusal
    try {
      return this.#caller.runInAsyncScope(this.submitAsCaller, this, connection)
    } catch (error) {
      return this.#unsendable(error, host)
    }
  }

  /** Handles an error while the messages were written. If a part was sent already, the connection must be closed. */
  #unsendable(error: unknown, host: QueryHost): Error {
    const told = error instanceof Error ? error : new Error(String(error))
    if (!this.sent) return told
    this.failure ??= told
    host.destroySocket(new ConnectionInDoubtError('A statement could not be sent as a whole.', { cause: error }))
    return told
  }

  protected submitAsCaller(connection: PgConnection): Error | null | undefined {
    const host = this.hostOrThrow()
    if (this.name && losesName(this.frame, host)) {
      const refusal = withoutName(this)
      if (refusal !== undefined) return refusal
      this.#ownName.prepareAtOnce()
    }
    return this.#sendAtOnce(connection, host) ? null : super.submit(connection)
  }

  /** Sends prefix and statement as one buffer. @returns false if pg must send the statement instead */
  #sendAtOnce(connection: PgConnection, host: QueryHost): boolean {
    const { values } = this
    if (this.kind !== 'data' || this.rows || this.binary || this.portal !== '' || !isSendable(values)) return false
    // Type OIDs would have to be sent in Parse, which this path does not do.
    if (typeof this.text !== 'string' || Array.isArray(this.types)) return false
    const front = host.guard.prefixBytes(this.frame, host.getTransactionStatus())
    if (front === undefined) return false
    this.name ||= this.#ownName.take(this.text, this.frame, host)
    const { name } = this
    const parsed = name === undefined ? undefined : connection.parsedStatements?.[name]
    // Let pg say that the name is taken by another text.
    if (parsed !== undefined && parsed !== this.text) return false
    const known = name !== undefined && parsed !== undefined && host.shapes.knows(name)
    const message = statementMessage({
      front: front.bytes,
      name: name ?? '',
      text: parsed === undefined ? this.text : undefined,
      values: values ?? NO_VALUES,
      describe: !known,
    })
    if (known) host.shapes.describe(name, this._result)
    else this.#describes = name
    this.skip = front.answers
    this.sent = true
    const closes = host.prepared.takeCloses(connection)
    connection.stream.write(closes === undefined ? message : Buffer.concat([closes, message]))
    return true
  }

  // pg looks up the parsers of the result's types here.
  override handleRowDescription(message: { readonly fields: readonly PgField[] }): void {
    this.#remember(message.fields)
    this.#caller.runInAsyncScope(super.handleRowDescription, this, message)
  }

  /** Remembers the columns that the server has described; an empty list if it has none. */
  #remember(fields: readonly PgField[]): void {
    if (this.#describes === undefined) return
    if (typeof this.text === 'string' && isQueryOrWrite(this.text))
      this.hostOrThrow().shapes.remember(this.#describes, fields)
    this.#describes = undefined
  }

  // pg calls this after its own checks: an error of submit() behind a prefix would desynchronise the connection.
  override prepare(connection: PgConnection): void {
    const host = this.hostOrThrow()
    this.sent = true
    const { guard } = host
    this.#describes = this.name
    const closes = host.prepared.takeCloses(connection)
    if (closes !== undefined) connection.stream.write(closes)
    this.skip = guard.writePrefix(connection, this.frame, this, host.getTransactionStatus())
    this.contextParse = this.skip > 0 ? guard.prefix.lastParse : 0
    this.building = true
    try {
      super.prepare(connection)
    } finally {
      this.building = false
    }
    if (!this.name) guard.prefix.unnamed.inDoubt()
    else if (this.contextParse > 0) {
      this.hiddenName = this.name
      this.name = undefined
    }
  }

  override handleDataRow(message: { readonly fields: readonly unknown[]; readonly length: number }): void {
    if (this.skip > 0 || this._canceledDueToError || this.failure !== undefined) return
    this.#bytes += Math.max(message.length, ROW_BYTES)
    const { maxResultBytes } = this.hostOrThrow().guard.settings
    if (this.#bytes > maxResultBytes) {
      this._result.rows = []
      // `boundMessages` catches this error and stops reading from the connection.
      throw tooLarge(`The answer has more than ${maxResultBytes} bytes`, maxResultBytes)
    }
    try {
      this._result.addRow(this.#caller.runInAsyncScope(this._result.parseRow, this._result, message.fields))
    } catch (error) {
      this._canceledDueToError = error instanceof Error ? error : new Error(String(error))
    }
  }

  override handleCommandComplete(message: PgCommandComplete, connection: PgConnection): void {
    const { guard } = this.hostOrThrow()
    if (this.skip > 0) {
      guard.prefixAnswered(message.text, this.#prefixAnswers++)
      if (--this.skip === 0) {
        guard.prefixDone(this.contextParse)
        if (this.hiddenName !== undefined) this.name = this.hiddenName
      }
      return
    }
    guard.commandComplete(message.text, this.kind)
    this.#remember(NO_FIELDS)
    super.handleCommandComplete(message, connection)
  }

  override handleReadyForQuery(_connection: PgConnection): void {
    if (this._canceledDueToError) this.failure ??= this._canceledDueToError
    this.#end()
  }

  /** Handles an error of the server, of pg itself (a broken socket, a closed client), or of a value that can't be sent. */
  override handleError(error: Error, connection: PgConnection): void {
    if (this.finishedOnce) return
    if (!this.sent) {
      // Nothing was written: we or pg refused the query, or the connection broke while it was queued.
      this.failure ??= error
      this.#end()
      return
    }
    const host = this.hostOrThrow()
    const { guard } = host
    guard.prefix.unnamed.inDoubt()
    if (this.hiddenName !== undefined && this.skip > 0) delete connection.submittedNamedStatements?.[this.hiddenName]
    if (this.#submitsAgain(error, host)) return
    this.failure ??= this._canceledDueToError || this.#explain(error, host)
    this._canceledDueToError = false
    // pg has sent Close and Sync: ReadyForQuery will come to this query.
    if (this.building) return
    if (endsSession(error)) {
      guard.discard('the server or the network ended it')
      this.#end()
      return
    }
    // pg drops a failed query at once, but the connection is free only after ReadyForQuery.
    guard.awaiting = this
    connection.once('readyForQuery', () => {
      if (guard.awaiting === this) guard.awaiting = undefined
      this.#end()
    })
  }

  /** If the plan of the statement was out of date, sends it again on the same connection, ahead of the waiting statements. */
  #submitsAgain(error: Error, host: QueryHost): boolean {
    if (this.skip > 0 || !this.#ownName.refusedBy(error, this.text, host)) return false
    // The caller has its answer already, or pg has no queue.
    if (this.failure !== undefined || !host.submitAgain(this)) return false
    this.name = undefined
    this.sent = false
    this.#prefixAnswers = 0
    this.#describes = undefined
    return true
  }

  #explain(error: Error, host: QueryHost): Error {
    const place = { kind: this.kind, left: this.skip, inTransaction: host.getTransactionStatus() !== 'I' }
    if (!this.building && precedesStatement(error, host.guard, place)) return contextFailure(error, host.guard, place)
    return (
      (this.name ? this.#ownName.explain(error, host) : undefined) ??
      explainServerError(error, this.frame, host.guard.settings.events)
    )
  }

  /** The connection is lost: no further answer will come. */
  connectionLost(): void {
    this.#end()
  }

  /** Reports an abort or timeout to the caller at once. The connection becomes free later. */
  giveUp(error: Error): void {
    this.failure ??= error
    this.answer()
  }

  #end(): void {
    this.finish()
    this.answer()
  }

  /** Called once when the connection is free again, or lost. */
  finish(): void {
    if (this.finishedOnce) return
    this.finishedOnce = true
    if (this.timer !== undefined) clearTimeout(this.timer)
    this.stopListening?.()
    this.host?.queryFinished()
    this.onFinished?.(this)
  }

  /** Called if no connection was available: nothing was sent. */
  fail(error: Error | undefined): void {
    this.failure ??= error ?? new Error('no connection')
    this.finishedOnce = true
    this.stopListening?.()
    this.answer()
  }

  /** Gives the caller the result or the error, once. */
  answer(): void {
    if (this.answered) return
    this.answered = true
    const { failure, sendAgain } = this
    if (sendAgain !== undefined && maySendAgain(failure)) {
      this.#caller.runInAsyncScope(sendAgain, undefined, this)
      return
    }
    if (this.answerTo !== undefined) {
      try {
        if (failure === undefined) this.answerTo(this.noError, this._results)
        else this.answerTo(failure)
      } catch (error) {
        // As in pg: rethrow an error of the callback in a later turn, so that it does not break the connection's parser.
        process.nextTick(() => {
          throw error
        })
      }
    } else if (failure === undefined) this.resolve?.(this._results)
    else this.reject?.(failure)
  }

  protected hostOrThrow(): QueryHost {
    if (this.host === undefined) throw new Error('a tenant query was used before a connection took it')
    return this.host
  }
}
