import { AsyncResource } from 'node:async_hooks'
import pg from 'pg'
import type { ContextFrame } from '../context/frame.ts'
import { tenantStore } from '../context/store.ts'
import { StatementRefusedError } from '../errors.ts'
import { refuseFrame, statementRefused } from './connection-guard.ts'
import { IdentityReader } from './context-identity.ts'
import { foreignKind } from './foreign-query.ts'
import type { PgSubmittable } from './pg-internals.ts'
import { type AskedQuery, answerOf, readQuery, refuse } from './query-arguments.ts'
import { statementCommand, statementKind } from './statement-kind.ts'
import { TenantClient } from './tenant-client.ts'
import { type QueryCallback, TenantQuery } from './tenant-query.ts'
import type { WallSettings } from './wall-settings.ts'
import { type WallClock, Watchdog } from './watchdog.ts'

export type Release = (error?: Error | boolean) => void
type Leased = (error: Error | undefined, client: TenantClient | undefined) => void
type ConnectCallback = (error: Error | undefined, client: pg.PoolClient | undefined, done: Release) => void

/** A `pg.Pool` whose every statement runs for the tenant in whose context it was called. */
export class WalledPool extends pg.Pool {
  readonly settings: WallSettings
  readonly #watchdog: Watchdog

  constructor(options: pg.PoolConfig, settings: WallSettings, clock: WallClock) {
    const identities = new IdentityReader(settings)
    const { onConnect } = options
    class BoundTenantClient extends TenantClient {
      constructor(config?: pg.ClientConfig | string) {
        super(config, settings, identities)
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
    this.#watchdog = new Watchdog(clock, settings.answerTimeoutMs)
    this.on('remove', (client) => {
      if (client instanceof TenantClient) this.#watchdog.forget(client)
    })
  }

  /** Statements that listeners of `connect` make on a new connection are set-up: nobody's data has been on it. */
  override emit(event: string | symbol, ...values: unknown[]): boolean {
    const [client] = values
    if (event !== 'connect' || !(client instanceof TenantClient)) return super.emit(event, ...values)
    this.#watchdog.watch(client)
    client.beginSetup()
    try {
      return super.emit(event, ...values)
    } finally {
      client.endSetup()
    }
  }

  override connect(): Promise<pg.PoolClient>
  override connect(callback: ConnectCallback): void
  override connect(callback?: ConnectCallback): Promise<pg.PoolClient> | void {
    const frame = tenantStore.getStore()
    if (callback === undefined) {
      return new Promise((resolve, reject) => {
        this.#checkOut(frame, (error, client) => (client === undefined ? reject(error) : resolve(client)))
      })
    }
    // pg-pool would call it in the context of whoever released the connection.
    const bound = AsyncResource.bind(callback)
    this.#checkOut(frame, (error, client) => {
      if (client === undefined) bound(error, undefined, () => {})
      else bound(undefined, client, (problem) => client.release(problem))
    })
  }

  /** As `pg.Pool#query`; `never` stands in for the results of pg's overloads. */
  override query(config: unknown, values?: unknown, callback?: unknown): never {
    return this.#query(config, values, callback) as never
  }

  #query(config: unknown, values: unknown, callback: unknown): unknown {
    if (typeof config === 'function') return super.query(config as never)
    const frame = tenantStore.getStore()
    const asked = readQuery(config, values, callback)
    if (asked.submittable !== undefined) return this.#queryForeign(asked.submittable, asked.callback, frame)
    const kind = statementKind(asked.text)
    const refusal = refuseFrame(frame, this.settings) ?? this.#refuseStatement(kind, asked)
    if (refusal !== undefined || frame === undefined) return refuse(refusal, asked.callback)
    const query = new TenantQuery(config, asked.values, frame, kind)
    query.onFinished = this.#queryFinished
    const promise = answerOf(query, asked.callback)
    this.#lease(frame, (error, client) => {
      if (client === undefined) query.fail(error)
      else client.run(query)
    })
    return promise
  }

  /** A single statement takes a connection that it gives back at once; a transaction would be lost on it. */
  #refuseStatement(kind: ReturnType<typeof statementKind>, asked: AskedQuery): Error | undefined {
    if (kind === 'begin') {
      return new StatementRefusedError(
        'pool.query("BEGIN") would lose its transaction: the next query gets another connection. Use pool.transaction(), or pool.connect().',
      )
    }
    if (kind === 'copy-from') {
      return new StatementRefusedError(
        'COPY … FROM is refused by PostgreSQL on tables with row-level security. Use pool.copyInto(table, rows).',
      )
    }
    if (kind !== 'other') return undefined
    const command = statementCommand(asked.text)
    return this.settings.allowStatements.has(command) ? undefined : statementRefused(command)
  }

  readonly #queryFinished = (query: TenantQuery): void => {
    if (query.host instanceof TenantClient) this.#giveBack(query.host)
  }

  #queryForeign(query: PgSubmittable, callback: QueryCallback | undefined, frame: ContextFrame | undefined): unknown {
    const refusal =
      refuseFrame(frame, this.settings) ?? (foreignKind(query) === 'other' ? statementRefused('') : undefined)
    if (refusal !== undefined || frame === undefined) return refuse(refusal, callback)
    const bound = callback === undefined ? undefined : AsyncResource.bind(callback)
    const answer = new Promise<unknown>((resolve, reject) => {
      query.callback = (error, result) => {
        if (bound !== undefined) bound(error, result)
        else if (error) reject(error)
        else resolve(result)
      }
      this.#lease(frame, (error, client) => {
        if (client === undefined) query.callback?.(error)
        else client.runForeign(query, frame, () => this.#giveBack(client))
      })
    })
    return bound === undefined ? answer : undefined
  }

  /** A connection for one statement; pg-pool's own release stands ready on the client. */
  #lease(frame: ContextFrame | undefined, take: Leased): void {
    super.connect((error, client) => {
      if (error !== undefined && error !== null) take(error, undefined)
      else if (!(client instanceof TenantClient)) take(new Error('the pool made a client of another class'), undefined)
      else {
        client.guard.owner = frame?.tenantId
        client.poolRelease = client.release
        if (client.settling === undefined) take(undefined, client)
        else client.settling.then(() => take(undefined, client))
      }
    })
  }

  /** A connection for its caller, who releases it. */
  #checkOut(frame: ContextFrame | undefined, take: Leased): void {
    this.#lease(frame, (error, client) => {
      if (client !== undefined) {
        let released = false
        client.release = (problem) => {
          if (released) throw new Error('Release called on client which has already been released to the pool.')
          released = true
          this.#giveBack(client, problem)
        }
      }
      take(error, client)
    })
  }

  /** Decides whether a connection may serve others; in doubt it is destroyed. */
  #giveBack(client: TenantClient, problem?: Error | boolean): void {
    const { guard, poolRelease } = client
    if (problem) {
      this.#destroy(client, 'it was released with an error', problem)
      return
    }
    const reason = guard.unfit(client.getTransactionStatus())
    if (reason !== undefined) this.#destroy(client, reason)
    else if (!guard.dirty) {
      guard.owner = undefined
      poolRelease()
    } else {
      client.discardAll().then(
        () => poolRelease(),
        () => this.#destroy(client, 'DISCARD ALL failed'),
      )
    }
  }

  #destroy(client: TenantClient, reason: string, problem?: Error | boolean): void {
    client.guard.doomed ??= reason
    this.settings.events?.emit({ type: 'CONNECTION_DESTROYED', reason })
    client.poolRelease(problem ?? new Error(`the connection was destroyed: ${reason}`))
  }
}

async function setUpWith(client: pg.ClientBase, onConnect: (client: pg.ClientBase) => unknown): Promise<void> {
  if (!(client instanceof TenantClient)) return
  client.beginSetup()
  try {
    await onConnect(client)
  } finally {
    client.endSetup()
  }
}
