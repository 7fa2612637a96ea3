import pg from 'pg'
import type { ContextFrame } from '../../context/frame.ts'
import { outsideOfTenants, tenantStore } from '../../context/store.ts'
import { ConfigurationError, ConnectionInDoubtError } from '../../errors.ts'
import type { WallSettings } from '../settings/wall-settings.ts'
import { refuseShape } from '../statement/query-shape.ts'
import { statementKind } from '../statement/statement-kind.ts'
import { bytesRead, limitAnswers, ownTimeout, rests } from '../wire/answer-limit.ts'
import { boundMessages } from '../wire/message-bounds.ts'
import { internalsOfClient, type PgSubmittable } from '../wire/pg-internals.ts'
import { RowShapes } from '../wire/row-shapes.ts'
import { sendCancelRequest } from './cancel-request.ts'
import { prepareParameters } from './pg-options.ts'
import type { PopularTexts } from './prepared/popular-texts.ts'
import { PreparedTexts } from './prepared/prepared-texts.ts'
import { ForeignQuery, foreignKind, foreignText } from './query/foreign-query.ts'
import { answerOf, limitTime, makeQuery, readQuery, refuse } from './query/query-arguments.ts'
import type { QueryHost } from './query/query-host.ts'
import type { QueryCallback, TenantQuery } from './query/tenant-query.ts'
import { type Chore, ConnectionGuard } from './session/connection-guard.ts'
import type { IdentityReader } from './session/context-identity.ts'
import { SessionCare, type SessionHost } from './session/session-care.ts'
import type { SetupQuery } from './session/setup-query.ts'
import { SetUpGate } from './set-up-gate.ts'

type ConnectCallback = (error: Error | null, client?: TenantClient) => void
type Release = (error?: Error | boolean) => void

/** What the connections of one pool share. */
interface SharedParts {
  readonly identities: IdentityReader
  readonly texts: PopularTexts
}

/**
 * A `pg.Client` whose every statement runs for the tenant in whose context `query()` was called.
 *
 * A pool (`createTenantPool`) makes such clients. Libraries that make their own clients get this class as `pool.Client`.
 */
export class TenantClient extends pg.Client implements QueryHost {
  readonly guard: ConnectionGuard
  readonly shapes = new RowShapes()
  readonly prepared: PreparedTexts
  /** Whether set-up code runs. It may send any statement, because no tenant has used the connection. */
  #inSetup = false
  #setupQueries = 0
  readonly #care: SessionCare
  /** Pending while the session is being set up, read or cleaned. Statements wait for it. */
  #chore: Promise<void> | undefined
  readonly #gate = new SetUpGate()
  /** Time of the pool's clock at which the oldest unanswered statement was sent; 0 if there is none. */
  busySince = 0
  readonly queryTimeoutMs: number
  readonly #foreign = new Set<ForeignQuery>()
  #heard = 0
  /** pg-pool's own release function, while the client is checked out. */
  poolRelease: Release = () => {}
  release: Release = () => {}
  /** The tenant in whose share of the pool this connection is counted. */
  shareOf: string | undefined = undefined

  constructor(config: pg.ClientConfig | string | undefined, settings: WallSettings, shared: SharedParts) {
    super(config)
    this.guard = new ConnectionGuard(settings, shared.identities)
    this.prepared = new PreparedTexts(shared.texts, this.shapes)
    this.#care = new SessionCare(this.#sessionHost())
    const inside = internalsOfClient(this)
    if (inside.connection === undefined) {
      throw new ConfigurationError(
        'partywall needs the JavaScript client of pg; pg-native can’t carry the tenant’s context.',
      )
    }
    this.queryTimeoutMs = prepareParameters(inside, settings)
    this.#chore = this.#gate.passed
    boundMessages(inside.connection, settings.maxResultBytes, (error) => this.destroySocket(error))
    // The query of a checked-out client gets the error too. Without a listener, the event would end the process.
    this.on('error', (error: Error) => {
      this.guard.discard(`the connection broke: ${error.message}`)
    })
    this.on('end', () => {
      this.guard.discard('the connection was closed')
      this.guard.awaiting?.connectionLost()
      this.#gate.fail(new Error('the connection was closed'))
    })
  }

  /** Events of a connection belong to no tenant: their handlers run outside of any context. */
  override emit(event: string | symbol, ...values: unknown[]): boolean {
    if (this.listenerCount(event) === 0) return super.emit(event, ...values)
    return outsideOfTenants(() => super.emit(event, ...values))
  }

  override connect(): Promise<pg.Client>
  override connect(callback: ConnectCallback): undefined
  override connect(callback?: ConnectCallback): Promise<pg.Client> | undefined {
    if (callback === undefined) {
      return new Promise((resolve, reject) => {
        this.connect((error) => (error === null ? resolve(this) : reject(error)))
      })
    }
    // The watchdog does not watch the connection yet, so limit the time of the handshake here.
    const limitMs = this.guard.settings.answerTimeoutMs
    const silent = () =>
      this.destroySocket(new ConnectionInDoubtError('The database did not answer while a connection was made.'))
    const timer = limitMs > 0 ? setTimeout(silent, limitMs).unref() : undefined
    const settle: ConnectCallback = (error, client) => {
      clearTimeout(timer)
      callback(error, client)
    }
    const { connection } = internalsOfClient(this)
    connection.on('parameterStatus', (message: { parameterName: string; parameterValue: string }) => {
      this.guard.parameterStatus(message.parameterName, message.parameterValue)
    })
    super.connect((error: Error | null | undefined) => {
      if (error) {
        this.#gate.fail(error)
        settle(error)
        return
      }
      const ready = this.#care.setUp().then(() => this.guard.settings.protection?.compare())
      ready.then(
        () => {
          // Statements that were queued earlier are sent first, in their order.
          if (this.#chore === this.#gate.passed) this.#chore = undefined
          this.#gate.open()
          settle(null, this)
        },
        (problem: unknown) => {
          this.guard.discard('its set-up failed')
          this.#gate.fail(problem)
          super.end(() => {})
          settle(problem instanceof Error ? problem : new Error(String(problem)))
        },
      )
    })
    return undefined
  }

  #sessionHost(): SessionHost {
    const pid = () => internalsOfClient(this).processID ?? undefined
    return {
      guard: this.guard,
      get backendPid() {
        return pid()
      },
      send: (query) => this.#send(query),
      askPg: (config, callback) => void Reflect.apply(super.query, this, [config, callback]),
    }
  }

  /** Allows all statements, for `onConnect` and for listeners of `connect`: no tenant has used the connection yet. */
  beginSetup(): void {
    this.#inSetup = true
    this.guard.watchParameters(false)
  }

  /** Ends the set-up: from now on each statement belongs to a context. */
  endSetup(): void {
    this.#inSetup = false
    this.guard.freeStatements += this.#setupQueries
    this.#setupQueries = 0
    this.guard.watchParameters(this.guard.freeStatements === 0)
  }

  /**
   * As `pg.Client#query`. It returns what pg's overload for these arguments returns. The type `never` is assignable to all of these
   * results.
   */
  override query(config: unknown, values?: unknown, callback?: unknown): never {
    return this.#query(config, values, callback) as never
  }

  #query(config: unknown, values: unknown, callback: unknown): unknown {
    if (config === null || config === undefined) throw new TypeError('Client was passed a null or undefined query')
    if (this.#inSetup) {
      this.#setupQueries++
      return Reflect.apply(super.query, this, [config, values, callback])
    }
    const frame = tenantStore.getStore()
    const asked = readQuery(config, values, callback)
    if (asked.submittable !== undefined) return this.#queryForeign(asked.submittable, asked.callback, frame)
    const kind = statementKind(asked.text)
    const refusal = this.guard.refuse(frame, kind, asked.text) ?? asked.aborted
    if (refusal !== undefined || frame === undefined) return refuse(refusal, asked.callback)
    const query = makeQuery(config, asked, frame, kind, this.guard.settings)
    const misshapen = refuseShape(query)
    if (misshapen !== undefined) return refuse(misshapen, asked.callback)
    const promise = answerOf(query, asked.callback)
    if (asked.signal !== undefined) limitTime(query, asked.signal)
    this.run(query)
    return promise
  }

  /** Runs a query that was already checked. Only the open transaction may still refuse it. */
  run(query: TenantQuery): void {
    query.host = this
    this.#accept(query.frame, query)
    const timeoutMs = query.timeoutMs || this.queryTimeoutMs
    if (timeoutMs > 0) this.#endAfter(query, timeoutMs)
  }

  /**
   * Runs a statement of partywall's own, as the login role and without a tenant. Settings that a tenant made on the session are reset
   * first.
   */
  async runRaw(text: string, values: readonly unknown[]): Promise<pg.QueryResult> {
    if (this.guard.freeStatements > 0) await this.#remember(true)
    await super.query('reset all; set role none')
    return super.query({ text, values: [...values] })
  }

  /** Runs a query object of another library. */
  runForeign(query: PgSubmittable, frame: ContextFrame, onFinished?: (done: ForeignQuery) => void): void {
    const carrier = new ForeignQuery(query, this, frame)
    this.#foreign.add(carrier)
    carrier.onFinished = (done) => {
      this.#foreign.delete(carrier)
      onFinished?.(done)
    }
    this.#limitForeign(carrier)
    this.#accept(frame, carrier)
  }

  #accept(frame: ContextFrame, query: PgSubmittable): void {
    const { guard } = this
    guard.inFlight++
    if (this.busySince === 0) this.busySince = guard.settings.clock.tick
    const chore = guard.choreBefore(frame, this.getTransactionStatus())
    if (chore === undefined && this.#chore === undefined) this.#send(query)
    else this.#sendAfterChore(chore, query)
  }

  #sendAfterChore(chore: Chore | undefined, query: PgSubmittable): void {
    const { guard } = this
    const work = async () => {
      if (chore === 'wait' && (await guard.cancelling) !== true) guard.discard('a cancel request may still arrive')
      else if (chore === 'discard') await this.discardAll()
      // Two statements may have queued this work. After the first one, the session may contain settings of a tenant.
      else if (chore !== undefined && guard.freeStatements > 0) await this.#remember(chore === 'remember-for-now')
    }
    const before = this.#chore ?? Promise.resolve()
    const done = before.then(work)
    this.#chore = done
    const next = (error?: unknown) => {
      if (this.#chore === done) this.#chore = undefined
      if (error === undefined && guard.discardedFor === undefined) {
        this.#send(query)
        return
      }
      const doubt = new ConnectionInDoubtError('The connection could not be cleaned for its next tenant.', {
        cause: error,
      })
      guard.discard('it could not be cleaned')
      query.handleError(doubt, internalsOfClient(this).connection)
    }
    done.then(() => next(), next)
  }

  async #remember(forNow: boolean): Promise<void> {
    const { guard } = this
    await this.#care.remember()
    if (!forNow) return
    guard.freeStatements = 1
    guard.watchParameters(false)
  }

  #send(query: PgSubmittable | SetupQuery): void {
    // pg's type declares only submit(); PgSubmittable declares the other methods that pg calls.
    super.query(query as unknown as pg.Submittable)
  }

  /** Whether the server has sent anything since the last call, or owes no answer because a cursor waits for its reader. */
  get lively(): boolean {
    const { connection } = internalsOfClient(this)
    const before = this.#heard
    this.#heard = bytesRead(connection)
    return before !== this.#heard || [...this.#foreign].some((carrier) => rests(carrier.inner))
  }

  submitAgain(query: PgSubmittable): boolean {
    const { _queryQueue: waiting } = internalsOfClient(this)
    if (!Array.isArray(waiting)) return false
    waiting.unshift(query)
    return true
  }

  queryFinished(): void {
    this.guard.inFlight--
    this.busySince = this.guard.inFlight === 0 ? 0 : this.guard.settings.clock.tick
  }

  /** Runs DISCARD ALL, and prepares the session for the next tenant. */
  async discardAll(): Promise<void> {
    // Let the watchdog watch the clean-up like a statement, in case the server never answers.
    if (this.busySince === 0) this.busySince = this.guard.settings.clock.tick
    try {
      await this.#care.discardAll()
      this.prepared.forgetAll()
    } finally {
      if (this.guard.inFlight === 0) this.busySince = 0
    }
  }

  /** Asks the server to cancel the running statement. Nothing else is sent before that request has arrived. */
  cancel(): void {
    const { guard } = this
    if (guard.settings.pooler) guard.discard('a statement was cancelled behind a transaction pooler')
    const request = sendCancelRequest(this).then((delivered) => {
      guard.cancelEnded(request, delivered)
      return delivered
    })
    guard.cancelSent(request)
  }

  /**
   * Closes the socket; waiting queries get the error. A running statement is cancelled first, or it would continue on the server until its
   * timeout.
   */
  destroySocket(error: Error): void {
    this.guard.discard(error.message)
    const { stream } = internalsOfClient(this).connection
    const cancelled = this.cancelRunning()
    // A pooler needs the client's socket to know which backend to cancel, so close it only afterwards. Without a pooler, close it now.
    if (!this.guard.settings.pooler || cancelled === undefined) stream.destroy(error)
    else void atMost(POOLER_CANCEL_MS, cancelled).then(() => stream.destroy(error))
  }

  /** Cancels the running statement of a connection that will be closed. Undefined if nothing runs. */
  cancelRunning(): Promise<unknown> | undefined {
    return this.guard.inFlight === 0 ? undefined : sendCancelRequest(this).catch(() => {})
  }

  #endAfter(query: TenantQuery, timeoutMs: number): void {
    const timer = setTimeout(() => {
      query.giveUp(new Error('Query read timeout'))
      this.#endTooLate()
    }, timeoutMs)
    query.timer = timer
  }

  #limitForeign(carrier: ForeignQuery): void {
    const timeoutMs = ownTimeout(carrier.inner) || this.queryTimeoutMs
    if (timeoutMs === 0) return
    const { connection } = internalsOfClient(this)
    carrier.stopTimer = limitAnswers(carrier.inner, connection, timeoutMs, () => {
      carrier.giveUp(new Error('Query read timeout'), connection)
      this.#endTooLate()
    })
  }

  #endTooLate(): void {
    this.destroySocket(new ConnectionInDoubtError('A query’s read time-out passed; its connection was destroyed.'))
  }

  #queryForeign(
    query: PgSubmittable,
    callback: QueryCallback | undefined,
    frame: ContextFrame | undefined,
  ): PgSubmittable {
    const refusal = this.guard.refuse(frame, foreignKind(query), foreignText(query) ?? '')
    if (refusal !== undefined || frame === undefined) {
      const refused = refusal ?? new Error('a missing context is refused')
      process.nextTick(() => query.handleError(refused, internalsOfClient(this).connection))
      return query
    }
    if (callback !== undefined && query.callback === undefined) query.callback = callback
    this.runForeign(query, frame)
    return query
  }
}

/** Milliseconds that a cancel request to a pooler may take before the connection is closed anyway. */
const POOLER_CANCEL_MS = 1_000

function atMost(limitMs: number, work: Promise<unknown>): Promise<unknown> {
  return Promise.race([
    work,
    new Promise((resolve) => {
      setTimeout(resolve, limitMs).unref()
    }),
  ])
}
