import pg from 'pg'
import type { ContextFrame } from '../context/frame.ts'
import { tenantStore } from '../context/store.ts'
import { ConfigurationError } from '../errors.ts'
import { ConnectionGuard } from './connection-guard.ts'
import { ContextBytes } from './context-bytes.ts'
import type { IdentityReader } from './context-identity.ts'
import { DiscardQuery } from './discard-query.ts'
import { ForeignQuery, foreignKind, foreignText } from './foreign-query.ts'
import { internalsOfClient, type PgSubmittable } from './pg-internals.ts'
import { answerOf, readQuery, refuse } from './query-arguments.ts'
import { SESSION_SETTINGS_TEXT } from './session-reset.ts'
import { SetupQuery } from './setup-query.ts'
import { statementKind } from './statement-kind.ts'
import { type FinishedQuery, type QueryCallback, type QueryHost, TenantQuery } from './tenant-query.ts'
import type { WallSettings } from './wall-settings.ts'

type ConnectCallback = (error: Error | null, client?: TenantClient) => void

/** In `setup` statements are free; in `tenant` each belongs to a context. */
type Phase = 'setup' | 'tenant'

/**
 * A `pg.Client` whose every statement runs for the tenant in whose context `query()` was called.
 *
 * Made by a pool (`createTenantPool`), or handed to a library that makes its own clients as `pool.Client`.
 */
export class TenantClient extends pg.Client implements QueryHost {
  readonly guard: ConnectionGuard
  #phase: Phase = 'tenant'
  /** Pending while the session's settings are being read; the first work waits for it. */
  settling: Promise<void> | undefined
  #setupQueries = 0
  #setupQueriesRead = 0
  /** The watchdog's tick at which the oldest unanswered statement was sent; 0 where none is. */
  busySince = 0
  /** pg-pool's own release, while the client is out. */
  poolRelease: (error?: Error | boolean) => void = () => {}
  release: (error?: Error | boolean) => void = () => {}

  constructor(config: pg.ClientConfig | string | undefined, settings: WallSettings, identities: IdentityReader) {
    super(config)
    this.guard = new ConnectionGuard(settings, identities)
    if (internalsOfClient(this).connection === undefined) {
      throw new ConfigurationError(
        'partywall needs the JavaScript client of pg; pg-native can’t carry the tenant’s context.',
      )
    }
    // An error of a checked-out client reaches its query; without a listener it would end the process.
    this.on('error', (error: Error) => {
      this.guard.doomed ??= `the connection broke: ${error.message}`
    })
    this.on('end', () => {
      this.guard.doomed ??= 'the connection was closed'
      this.guard.awaiting?.finish()
      this.guard.awaiting?.answer()
    })
  }

  override connect(): Promise<pg.Client>
  override connect(callback: ConnectCallback): void
  override connect(callback?: ConnectCallback): Promise<pg.Client> | void {
    if (callback === undefined) {
      return new Promise((resolve, reject) => {
        this.connect((error) => (error === null ? resolve(this) : reject(error)))
      })
    }
    const { connection } = internalsOfClient(this)
    connection.on('parameterStatus', (message: { parameterName: string; parameterValue: string }) => {
      this.guard.parameterStatus(message.parameterName, message.parameterValue)
    })
    super.connect((error: Error | null | undefined) => {
      if (error) {
        callback(error)
        return
      }
      this.#setUp().then(
        () => callback(null, this),
        (problem: unknown) => {
          const failure = problem instanceof Error ? problem : new Error(String(problem))
          this.guard.doomed ??= 'its set-up failed'
          super.end(() => {})
          callback(failure)
        },
      )
    })
  }

  async #setUp(): Promise<void> {
    const { settings } = this.guard
    await settings.seal?.load()
    const database = await new Promise<string>((resolve, reject) => {
      const query = new SetupQuery(settings, (error, result) => {
        const row: unknown = result?.rows[0]
        if (error !== null) reject(error)
        else if (row !== null && typeof row === 'object' && 'database' in row) resolve(String(row.database))
        else reject(new Error('PostgreSQL did not tell the name of the database'))
      })
      super.query(query as unknown as pg.Submittable)
    })
    this.guard.bytes = new ContextBytes(settings, {
      database,
      backendPid: internalsOfClient(this).processID ?? undefined,
    })
    this.guard.watchParameters(true)
  }

  /** Statements are free now, for `onConnect` and for listeners of `connect`: nobody's data has been here. */
  beginSetup(): void {
    this.#phase = 'setup'
    this.guard.watchParameters(false)
  }

  /** From here on each statement belongs to a context. What the set-up made of the session is what clean-up brings back. */
  endSetup(): void {
    this.#phase = 'tenant'
    const read = this.#setupQueries === this.#setupQueriesRead
    this.#setupQueriesRead = this.#setupQueries
    if (read) {
      if (this.settling === undefined) this.guard.watchParameters(true)
      return
    }
    this.settling = new Promise((resolve) => {
      super.query(SESSION_SETTINGS_TEXT, (error: Error | undefined, result: pg.QueryResult<SessionSetting>) => {
        if (error) this.guard.doomed ??= 'its session settings could not be read'
        else this.guard.sessionSettings = result.rows.map((row) => [row.name, row.setting])
        this.guard.watchParameters(true)
        this.settling = undefined
        resolve()
      })
    })
  }

  /** As `pg.Client#query`. It answers what pg's overload for its arguments answers; `never` stands in for all of them. */
  override query(config: unknown, values?: unknown, callback?: unknown): never {
    return this.#query(config, values, callback) as never
  }

  #query(config: unknown, values: unknown, callback: unknown): unknown {
    if (config === null || config === undefined) throw new TypeError('Client was passed a null or undefined query')
    if (this.#phase === 'setup') {
      this.#setupQueries++
      return Reflect.apply(super.query, this, [config, values, callback])
    }
    const frame = tenantStore.getStore()
    const asked = readQuery(config, values, callback)
    if (asked.submittable !== undefined) return this.#queryForeign(asked.submittable, asked.callback, frame)
    const kind = statementKind(asked.text)
    const refusal = this.guard.refuse(frame, kind, asked.text)
    if (refusal !== undefined || frame === undefined) return refuse(refusal, asked.callback)
    const query = new TenantQuery(config, asked.values, frame, kind)
    const promise = answerOf(query, asked.callback)
    this.run(query)
    return promise
  }

  /** Runs a query that was made, and may be refused only by its transaction. */
  run(query: TenantQuery): void {
    query.host = this
    this.guard.inFlight++
    if (this.busySince === 0) this.busySince = this.guard.settings.clock.tick
    super.query(query as unknown as pg.Submittable)
  }

  queryFinished(query: FinishedQuery): void {
    this.guard.inFlight--
    this.busySince = this.guard.inFlight === 0 ? 0 : this.guard.settings.clock.tick
    this.guard.finished(query.frame, query.kept, this.getTransactionStatus())
  }

  /** Takes everything off the session, and prepares it for the next tenant. */
  async discardAll(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const query = new DiscardQuery((error) => (error ? reject(error) : resolve()))
      super.query(query as unknown as pg.Submittable)
    })
    await this.#setUp()
    this.guard.discarded()
  }

  /** Ends the connection without a word: who waits on it gets the error. */
  destroySocket(error: Error): void {
    this.guard.doomed ??= error.message
    internalsOfClient(this).connection.stream.destroy(error)
  }

  #queryForeign(
    query: PgSubmittable,
    callback: QueryCallback | undefined,
    frame: ContextFrame | undefined,
  ): PgSubmittable {
    const refusal = this.guard.refuse(frame, foreignKind(query), foreignText(query) ?? '')
    if (refusal !== undefined || frame === undefined) {
      const refused = refusal ?? new Error('unreachable: a missing context is refused')
      process.nextTick(() => query.handleError(refused, internalsOfClient(this).connection))
      return query
    }
    if (callback !== undefined && query.callback === undefined) query.callback = callback
    this.runForeign(query, frame)
    return query
  }

  /** Runs somebody else's query object. */
  runForeign(query: PgSubmittable, frame: ContextFrame, onFinished?: (done: ForeignQuery) => void): void {
    const carrier = new ForeignQuery(query, this, frame)
    carrier.onFinished = onFinished
    this.guard.inFlight++
    super.query(carrier as unknown as pg.Submittable)
  }
}

interface SessionSetting {
  readonly name: string
  readonly setting: string
}
