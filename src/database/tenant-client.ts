import pg from 'pg'
import type { ContextFrame } from '../context/frame.ts'
import { outsideOfTenants, tenantStore } from '../context/store.ts'
import { ConfigurationError, ConnectionInDoubtError } from '../errors.ts'
import { sendCancelRequest } from './cancel-request.ts'
import { ConnectionGuard } from './connection-guard.ts'
import { ContextBytes } from './context-bytes.ts'
import type { IdentityReader } from './context-identity.ts'
import { DiscardQuery } from './discard-query.ts'
import { ForeignQuery, foreignKind, foreignText } from './foreign-query.ts'
import { boundMessages } from './message-bounds.ts'
import { internalsOfClient, type PgConnectionParameters, type PgSubmittable } from './pg-internals.ts'
import { answerOf, limitTime, makeQuery, readQuery, refuse } from './query-arguments.ts'
import { refuseShape } from './query-shape.ts'
import { sessionFronts } from './session-fronts.ts'
import {
  type PreparedText,
  resetStatements,
  restoreStatements,
  SESSION_SETTINGS_TEXT,
  type SessionSetting,
  startupOptions,
} from './session-reset.ts'
import { SetUpGate } from './set-up-gate.ts'
import { AS_TEXT, contextStatements, readSetupFacts, type SetupFacts, SetupQuery } from './setup-query.ts'
import { statementKind } from './statement-kind.ts'
import type { QueryCallback, QueryHost, TenantQuery } from './tenant-query.ts'
import type { WallSettings } from './wall-settings.ts'

type ConnectCallback = (error: Error | null, client?: TenantClient) => void
type Release = (error?: Error | boolean) => void

/**
 * A `pg.Client` whose every statement runs for the tenant in whose context `query()` was called.
 *
 * Made by a pool (`createTenantPool`), or handed to a library that makes its own clients as `pool.Client`.
 */
export class TenantClient extends pg.Client implements QueryHost {
  readonly guard: ConnectionGuard
  /** In set-up statements are free: nobody's data has been here. */
  #inSetup = false
  #setupQueries = 0
  /** Make the settings of `onConnect` again, on a session that lost them. */
  #restores: readonly PreparedText[] = []
  /** Pending until the session is set up, and while its settings are being read or it is being cleaned; work waits for it. */
  #chore: Promise<void> | undefined
  readonly #gate = new SetUpGate()
  /** The pool's clock when the oldest unanswered statement was sent; 0 where none is. */
  busySince = 0
  readonly queryTimeoutMs: number
  /** pg-pool's own release, while the client is out. */
  poolRelease: Release = () => {}
  release: Release = () => {}
  /** The tenant whose share of the pool this connection is counted to. */
  shareOf: string | undefined = undefined

  constructor(config: pg.ClientConfig | string | undefined, settings: WallSettings, identities: IdentityReader) {
    super(config)
    this.guard = new ConnectionGuard(settings, identities)
    const inside = internalsOfClient(this)
    if (inside.connection === undefined) {
      throw new ConfigurationError(
        'partywall needs the JavaScript client of pg; pg-native can’t carry the tenant’s context.',
      )
    }
    // pg's own read time-out patches each query's callback and leaves the connection alive with the statement running.
    const { query_timeout: timeout } = inside.connectionParameters
    this.queryTimeoutMs = typeof timeout === 'number' ? timeout : 0
    inside.connectionParameters.query_timeout = false
    if (!settings.pooler) startUpWith(inside.connectionParameters, settings)
    const { password } = inside
    // Whoever needs the first connection is nobody in particular: no tenant's context reaches what all of them share.
    if (isPasswordFunction(password))
      inside.password = (...given: unknown[]) => outsideOfTenants(() => password(...given))
    this.#chore = this.#gate.passed
    boundMessages(inside.connection, settings.maxResultBytes, (error) => this.lose(error))
    // An error of a checked-out client reaches its query; without a listener it would end the process.
    this.on('error', (error: Error) => {
      this.guard.doomed ??= `the connection broke: ${error.message}`
    })
    this.on('end', () => {
      this.guard.doomed ??= 'the connection was closed'
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
    // Until the pool has it nobody watches the connection: a network that swallows the handshake must not keep its place for ever.
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
      const ready = this.#setUp().then(() => this.guard.settings.protection?.compare())
      ready.then(
        () => {
          // Statements that were queued before go first, in their order.
          if (this.#chore === this.#gate.passed) this.#chore = undefined
          this.#gate.open()
          settle(null, this)
        },
        (problem: unknown) => {
          this.guard.doomed ??= 'its set-up failed'
          this.#gate.fail(problem)
          super.end(() => {})
          settle(problem instanceof Error ? problem : new Error(String(problem)))
        },
      )
    })
    return undefined
  }

  async #setUp(): Promise<void> {
    const { guard } = this
    const { settings } = guard
    await outsideOfTenants(() => settings.seal?.load())
    const statements = [...resetStatements(settings), ...contextStatements(settings, 'identity')]
    const { database, startupInForce, start } = await this.#prepare(statements)
    guard.startupIgnored = !startupInForce
    if (!settings.pooler) guard.fronts = sessionFronts(start, [], settings.shared)
    // Without names there is nothing more to prepare, and no second round trip.
    const full = startupInForce ? [] : contextStatements(settings, 'full')
    if (full.length > 0) await this.#prepare(full)
    const { processID } = internalsOfClient(this)
    guard.bytes = new ContextBytes(settings, { database, backendPid: processID ?? undefined })
    guard.watchParameters(true)
  }

  #prepare(statements: readonly PreparedText[]): Promise<SetupFacts> {
    return new Promise((resolve, reject) => {
      const { settings } = this.guard
      const ready = (error: Error | null, row: unknown) => {
        try {
          if (error !== null) throw error
          resolve(readSetupFacts(row))
        } catch (problem) {
          reject(problem)
        }
      }
      this.#send(new SetupQuery(settings, statements, ready))
    })
  }

  /** Statements are free now, for `onConnect` and for listeners of `connect`: nobody's data has been here. */
  beginSetup(): void {
    this.#inSetup = true
    this.guard.watchParameters(false)
  }

  /** From here on each statement belongs to a context. */
  endSetup(): void {
    this.#inSetup = false
    this.guard.freeStatements += this.#setupQueries
    this.#setupQueries = 0
    this.guard.watchParameters(this.guard.freeStatements === 0)
  }

  /** As `pg.Client#query`. It answers what pg's overload for its arguments answers; `never` stands in for all of them. */
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

  /** Runs a query that was made, and may be refused only by its transaction. */
  run(query: TenantQuery): void {
    query.host = this
    this.#accept(query.frame, query)
    const timeoutMs = query.timeoutMs || this.queryTimeoutMs
    if (timeoutMs > 0) this.#endAfter(query, timeoutMs)
  }

  /** Runs a statement of partywall's own, as the login role and without a tenant, on a session that no tenant's setting reaches. */
  async runRaw(text: string, values: readonly unknown[]): Promise<pg.QueryResult> {
    await super.query('reset all; set role none')
    return super.query({ text, values: [...values] })
  }

  /** Runs somebody else's query object. */
  runForeign(query: PgSubmittable, frame: ContextFrame, onFinished?: (done: ForeignQuery) => void): void {
    const carrier = new ForeignQuery(query, this, frame)
    carrier.onFinished = onFinished
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

  #sendAfterChore(chore: 'wait' | 'discard' | 'remember' | undefined, query: PgSubmittable): void {
    const { guard } = this
    const work = async () => {
      if (chore === 'wait' && (await guard.cancelling) !== true) guard.doomed ??= 'a cancel request may still arrive'
      else if (chore === 'discard') await this.discardAll()
      // Two statements may be accepted before it is done: behind the first stands what a tenant set.
      else if (chore === 'remember' && guard.freeStatements > 0) await this.#rememberSession()
    }
    const before = this.#chore ?? Promise.resolve()
    const done = before.then(work)
    this.#chore = done
    const next = (error?: unknown) => {
      if (this.#chore === done) this.#chore = undefined
      if (error === undefined && guard.doomed === undefined) {
        this.#send(query)
        return
      }
      const doubt = new ConnectionInDoubtError('The connection could not be cleaned for its next tenant.', {
        cause: error,
      })
      guard.doomed ??= 'it could not be cleaned'
      query.handleError(doubt, internalsOfClient(this).connection)
    }
    done.then(() => next(), next)
  }

  /** What onConnect set must survive the clean-up between tenants. */
  async #rememberSession(): Promise<void> {
    this.guard.freeStatements = 0
    const { rows } = await new Promise<pg.QueryResult<SessionSetting>>((resolve, reject) => {
      void super.query(
        { text: SESSION_SETTINGS_TEXT, types: AS_TEXT },
        (error: Error | undefined, result: pg.QueryResult<SessionSetting>) => {
          if (error) reject(error)
          else resolve(result)
        },
      )
    })
    this.#restores = restoreStatements(rows)
    await this.#restoreAlways()
    this.guard.watchParameters(true)
  }

  async #restoreAlways(): Promise<void> {
    const statements = this.#restores
    if (statements.length === 0 || this.guard.settings.pooler) return
    const { start } = await this.#prepare(statements)
    this.guard.fronts = sessionFronts(start, statements, this.guard.settings.shared)
  }

  #send(query: PgSubmittable | SetupQuery): void {
    // pg's type knows only submit(); what else it calls is declared in PgSubmittable.
    super.query(query as unknown as pg.Submittable)
  }

  queryFinished(): void {
    this.guard.inFlight--
    this.busySince = this.guard.inFlight === 0 ? 0 : this.guard.settings.clock.tick
  }

  /** Takes everything off the session, and prepares it for the next tenant. */
  async discardAll(): Promise<void> {
    const { guard } = this
    // Watched as a statement is: a network that swallows the clean-up must not hold the connection for ever.
    if (this.busySince === 0) this.busySince = guard.settings.clock.tick
    try {
      await new Promise<void>((resolve, reject) => {
        this.#send(new DiscardQuery((error) => (error ? reject(error) : resolve())))
      })
      await this.#setUp()
      await this.#restoreAlways()
      guard.discarded()
    } finally {
      if (guard.inFlight === 0) this.busySince = 0
    }
  }

  /** Asks the server to stop what it does for this client; nothing else is sent before that request has arrived. */
  cancel(): void {
    const { guard } = this
    if (guard.settings.pooler) guard.doomed ??= 'a statement was cancelled behind a transaction pooler'
    const request = sendCancelRequest(this).then((delivered) => {
      if (!delivered) guard.doomed ??= 'a cancel request may still arrive'
      if (guard.cancelling === request) guard.cancelling = undefined
      return delivered
    })
    guard.cancelling = request
  }

  /** Ends the connection without a word: who waits on it gets the error. */
  destroySocket(error: Error): void {
    this.guard.doomed ??= error.message
    internalsOfClient(this).connection.stream.destroy(error)
  }

  /** The server may still be busy with what nobody reads any more. */
  lose(error: Error): void {
    sendCancelRequest(this).catch(() => {})
    this.destroySocket(error)
  }

  #endAfter(query: TenantQuery, timeoutMs: number): void {
    const timer = setTimeout(() => {
      query.giveUp(new Error('Query read timeout'))
      sendCancelRequest(this).catch(() => {})
      this.destroySocket(new ConnectionInDoubtError('A query’s read time-out passed; its connection was destroyed.'))
    }, timeoutMs)
    query.timer = timer
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

/** Path and time-outs become start-up options, to which RESET ALL returns; pg would send its own time-outs beside them. */
function startUpWith(parameters: PgConnectionParameters, settings: WallSettings): void {
  parameters.options = startupOptions(settings, parameters.options)
  parameters.statement_timeout = undefined
  parameters.lock_timeout = undefined
}

function isPasswordFunction(password: unknown): password is (...given: unknown[]) => unknown {
  return typeof password === 'function'
}
