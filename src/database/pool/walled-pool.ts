import pg from 'pg'
import { bindToCaller } from '../../context/bind-to-caller.ts'
import { type ContextFrame, internalsOf } from '../../context/frame.ts'
import { outsideOfTenants, tenantStore } from '../../context/store.ts'
import { ClosedError } from '../../errors.ts'
import { PopularTexts } from '../connection/prepared/popular-texts.ts'
import { foreignKind, foreignText } from '../connection/query/foreign-query.ts'
import {
  answerOf,
  limitTime,
  makeQuery,
  readQuery,
  refuse,
  withCallersStack,
} from '../connection/query/query-arguments.ts'
import type { QueryCallback, TenantQuery } from '../connection/query/tenant-query.ts'
import { SENDS_AGAIN } from '../connection/session/context-failure.ts'
import { IdentityReader } from '../connection/session/context-identity.ts'
import { refuseFrame, refuseLoneStatement } from '../connection/session/refusals.ts'
import { TenantClient } from '../connection/tenant-client.ts'
import type { WallSettings } from '../settings/wall-settings.ts'
import { refuseShape } from '../statement/query-shape.ts'
import { statementKind } from '../statement/statement-kind.ts'
import type { PgSubmittable } from '../wire/pg-internals.ts'
import { type Leased, Leases } from './leases.ts'
import type { TenantShares } from './tenant-shares.ts'
import { type WallClock, Watchdog } from './watchdog.ts'

type Release = (error?: Error | boolean) => void
type ConnectCallback = (error: Error | undefined, client: pg.PoolClient | undefined, done: Release) => void

/** Runs single statements of all tenants on shared connections, so that a statement needs no connection to itself. */
export interface StatementLane {
  run(query: TenantQuery): void
  end(): Promise<void>
}

/** The parts of a pool, in addition to pg's own options. */
export interface WalledPoolParts {
  readonly settings: WallSettings
  readonly clock: WallClock
  readonly shares: TenantShares | undefined
  /** The pool for statements inside `runAcrossTenants`. */
  readonly across: WalledPool | undefined
  /** The lane for single statements, if `pipelinedConnections` is set. */
  readonly lane: StatementLane | undefined
}

/** A `pg.Pool`. Each of its statements runs for the tenant in whose context it was called. */
export class WalledPool extends pg.Pool {
  readonly settings: WallSettings
  readonly #watchdog: Watchdog
  readonly #shares: TenantShares | undefined
  readonly #across: WalledPool | undefined
  readonly #lane: StatementLane | undefined
  readonly #leases: Leases
  readonly #open = new Set<TenantClient>()
  #cutOff = false
  #closing = false

  constructor(options: pg.PoolConfig, parts: WalledPoolParts) {
    const { settings } = parts
    const shared = { identities: new IdentityReader(settings), texts: new PopularTexts(settings.prepareThreshold) }
    const { onConnect } = options
    class BoundTenantClient extends TenantClient {
      constructor(config?: pg.ClientConfig | string) {
        super(config, settings, shared)
      }
    }
    super({
      keepAlive: true,
      keepAliveInitialDelayMillis: 10_000,
      ...options,
      Client: BoundTenantClient,
      ...(onConnect === undefined ? {} : { onConnect: (client: pg.ClientBase) => setUpWith(client, onConnect) }),
    })
    this.settings = settings
    this.#watchdog = new Watchdog(parts.clock, settings.answerTimeoutMs)
    this.#shares = parts.shares
    this.#across = parts.across
    this.#lane = parts.lane
    // Statements that wait for their tenant's turn are not in pg-pool's queue, so add them to the count.
    const { shares } = parts
    if (shares !== undefined) {
      const pending = (): number => this.#pendingInPool()
      Object.defineProperty(this, 'waitingCount', { get: () => pending() + shares.waiting, configurable: true })
    }
    this.#leases = new Leases(this.#leased(), shares, settings.events)
    this.on('remove', (client) => {
      if (!(client instanceof TenantClient)) return
      this.#watchdog.forget(client)
      this.#open.delete(client)
    })
  }

  #pendingInPool(): number {
    const count: unknown = Reflect.get(pg.Pool.prototype, 'waitingCount', this)
    return typeof count === 'number' ? count : 0
  }

  #leased(): ConstructorParameters<typeof Leases>[0] {
    const pool = this
    return {
      options: this.options,
      get ending() {
        return pool.ending
      },
      connect: (take) => {
        super.connect((error, client) => {
          if (!error && client instanceof TenantClient) take(undefined, client)
          else take(error ?? new Error('the pool made a client of another class'), undefined)
        })
      },
      emit: (event, ...values) => this.listenerCount(event) > 0 && this.emit(event, ...values),
    }
  }

  /**
   * Events of the pool belong to no tenant, so their handlers run outside of any context. Statements of `connect` listeners are part of the
   * set-up: no tenant has used the new connection yet.
   */
  override emit(event: string | symbol, ...values: unknown[]): boolean {
    return outsideOfTenants(() => this.#emitOutside(event, values))
  }

  #emitOutside(event: string | symbol, values: readonly unknown[]): boolean {
    const [client] = values
    if (event !== 'connect' || !(client instanceof TenantClient)) return super.emit(event, ...values)
    this.#watchdog.watch(client)
    this.#open.add(client)
    // The connection was still being opened when close() aborted the other connections.
    if (this.#cutOff) client.destroySocket(closedMeanwhile())
    client.beginSetup()
    try {
      return super.emit(event, ...values)
    } finally {
      client.endSetup()
    }
  }

  override connect(): Promise<pg.PoolClient>
  override connect(callback: ConnectCallback): undefined
  override connect(callback?: ConnectCallback): Promise<pg.PoolClient> | undefined {
    const frame = tenantStore.getStore()
    const across = this.#acrossFor(frame)
    if (across !== undefined) return Reflect.apply(across.connect, across, callback === undefined ? [] : [callback])
    // Refuse before taking a connection: libraries do not release a connection whose BEGIN was refused.
    const refusal = refuseFrame(frame, this.settings)
    if (refusal !== undefined) {
      if (callback === undefined) return Promise.reject(refusal)
      process.nextTick(bindToCaller(() => callback(refusal, undefined, () => {})))
      return undefined
    }
    if (callback === undefined) {
      return new Promise((resolve, reject) => {
        this.#checkOut(frame, (error, client) => (client === undefined ? reject(error) : resolve(client)))
      })
    }
    // Without this, pg-pool would call the callback in the context of the code that released the connection.
    const bound = bindToCaller(callback)
    this.#checkOut(frame, (error, client) => {
      if (client === undefined) bound(error, undefined, () => {})
      else process.nextTick(bound, undefined, client, (problem?: Error | boolean) => client.release(problem))
    })
    return undefined
  }

  /** As `pg.Pool#query`. The return type `never` is assignable to the results of all of pg's overloads. */
  override query(config: unknown, values?: unknown, callback?: unknown): never {
    return this.#query(config, values, callback) as never
  }

  #query(config: unknown, values: unknown, callback: unknown): unknown {
    if (typeof config === 'function') return super.query(config as never)
    const frame = tenantStore.getStore()
    const across = this.#acrossFor(frame)
    if (across !== undefined) return across.query(config, values, callback)
    const asked = readQuery(config, values, callback)
    if (asked.submittable !== undefined) return this.#queryForeign(asked.submittable, asked.callback, frame)
    const kind = statementKind(asked.text)
    const refusal =
      refuseFrame(frame, this.settings) ?? refuseLoneStatement(kind, asked.text, this.settings) ?? asked.aborted
    if (refusal !== undefined || frame === undefined) return refuse(refusal, asked.callback)
    const query = makeQuery(config, asked, frame, kind, this.settings)
    const misshapen = refuseShape(query)
    if (misshapen !== undefined) return refuse(misshapen, asked.callback)
    query.onFinished = this.#queryFinished
    query.noError = undefined
    const promise = answerOf(query, asked.callback)
    // Statements with a signal or timeout can't use the lane: a cancel would hit other statements on the shared connection.
    if (this.#lane !== undefined && kind === 'data' && asked.signal === undefined && asked.timeoutMs === 0) {
      query.onFinished = undefined
      this.#lane.run(query)
      return promise
    }
    let left = SENDS_AGAIN
    const send = (next: TenantQuery): void => {
      if (asked.signal !== undefined) limitTime(next, asked.signal)
      if (left-- > 0)
        next.sendAgain = (unsent) => send(successorOf(unsent, makeQuery(config, asked, frame, kind, this.settings)))
      this.#lease(frame, (error, client) => {
        if (client === undefined) next.fail(error)
        else client.run(next)
      })
    }
    send(query)
    return promise
  }

  readonly #queryFinished = (query: TenantQuery): void => {
    if (query.host instanceof TenantClient) this.#leases.giveBack(query.host)
  }

  #queryForeign(
    query: PgSubmittable,
    callback: QueryCallback | undefined,
    frame: ContextFrame | undefined,
  ): Promise<unknown> | undefined {
    const kind = foreignKind(query)
    const refusal =
      refuseFrame(frame, this.settings) ?? refuseLoneStatement(kind, foreignText(query) ?? '', this.settings)
    if (refusal !== undefined || frame === undefined) return refuse(refusal, callback)
    const bound = callback === undefined ? undefined : bindToCaller(callback)
    const answer = new Promise<unknown>((resolve, reject) => {
      query.callback = (error, result) => {
        if (bound !== undefined) error ? bound(error) : bound(undefined, result)
        else if (error) reject(error)
        else resolve(result)
      }
      this.#lease(frame, (error, client) => {
        if (client === undefined) query.callback?.(error)
        else client.runForeign(query, frame, () => this.#leases.giveBack(client))
      })
    })
    return bound === undefined ? answer.catch(withCallersStack) : undefined
  }

  #acrossFor(frame: ContextFrame | undefined): WalledPool | undefined {
    if (this.#across === undefined || frame === undefined || frame.tenantId !== '') return undefined
    return internalsOf(frame).kind === 'across' ? this.#across : undefined
  }

  /** Takes a connection for one statement. */
  #lease(frame: ContextFrame | undefined, take: Leased): void {
    if (this.#closing) take(refusedWork(), undefined)
    else this.#leases.take(frame, take)
  }

  /** Takes a connection for a caller, who must release it. */
  #checkOut(frame: ContextFrame | undefined, take: Leased): void {
    if (this.#closing) take(refusedWork(), undefined)
    else this.#leases.checkOut(frame, take)
  }

  /** As `query`, but the type of the result is declared; for partywall's own use. */
  ask(text: string, values: readonly unknown[] = []): Promise<pg.QueryResult> {
    return this.query(text, values)
  }

  /** Takes a connection. The caller must give it back with {@link takeBack}. */
  leaseFor(frame: ContextFrame | undefined): Promise<TenantClient> {
    return new Promise((resolve, reject) => {
      this.#lease(frame, (error, client) => (client === undefined ? reject(error) : resolve(client)))
    })
  }

  takeBack(client: TenantClient, problem?: Error): void {
    this.#leases.giveBack(client, problem)
  }

  /** Runs one statement as the login role, with no tenant: for partywall's own checks and records. */
  async runAsLogin(text: string, values: readonly unknown[] = []): Promise<pg.QueryResult> {
    const client = await this.leaseFor(undefined)
    try {
      const result = await client.runRaw(text, values)
      this.#leases.giveBack(client)
      return result
    } catch (error) {
      this.#leases.giveBack(client, error instanceof Error ? error : true)
      throw error
    }
  }

  override end(): Promise<void>
  override end(callback: () => void): undefined
  override end(callback?: () => void): Promise<void> | undefined {
    const across = this.#across === undefined || this.#across.ending ? Promise.resolve() : this.#across.end()
    const lane = this.#lane?.end()
    const ended = Promise.all([super.end(), across, lane]).then(() => {})
    if (callback === undefined) return ended
    ended.then(callback, callback)
    return undefined
  }

  /**
   * Refuses new work, waits for running statements and closes all connections. After the timeout it aborts running statements. Idempotent.
   *
   * @param options.timeoutMs default 10_000
   */
  async close(options: { readonly timeoutMs?: number } = {}): Promise<void> {
    const { timeoutMs = 10_000 } = options
    this.#closing = true
    const across = this.#across?.close(options)
    if (!this.ending) {
      let cut: NodeJS.Timeout | undefined
      // pg-pool waits for ever for a client that is never released, so stop waiting after its socket was destroyed.
      const late = new Promise<void>((resolve) => {
        cut = setTimeout(() => {
          this.#cutOff = true
          this.#shares?.close()
          for (const client of this.#open) client.destroySocket(closedMeanwhile())
          // Give waiting queries time to report the error first.
          cut = setTimeout(resolve, SETTLE_MS)
        }, timeoutMs)
      })
      await Promise.race([this.end(), late])
      clearTimeout(cut)
    }
    await across
  }
}

/** Gives a new query the callbacks of a query that did not run, so that the new query answers the same caller. */
function successorOf(unsent: TenantQuery, next: TenantQuery): TenantQuery {
  next.resolve = unsent.resolve
  next.reject = unsent.reject
  next.answerTo = unsent.answerTo
  next.noError = unsent.noError
  next.onFinished = unsent.onFinished
  return next
}

/** Milliseconds that aborted connections get to report their errors. */
const SETTLE_MS = 100

function refusedWork(): ClosedError {
  return new ClosedError('The pool is closing and takes no new work.')
}

function closedMeanwhile(): ClosedError {
  return new ClosedError('The pool was closed while this ran.')
}

async function setUpWith(client: pg.ClientBase, onConnect: (client: pg.ClientBase) => unknown): Promise<void> {
  if (!(client instanceof TenantClient)) return
  client.beginSetup()
  try {
    await outsideOfTenants(() => onConnect(client))
  } finally {
    client.endSetup()
  }
}
