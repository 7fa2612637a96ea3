import { ClosedError, ConfigurationError } from '../../errors.ts'
import type { TenantQuery } from '../connection/query/tenant-query.ts'
import { registerTickets } from '../connection/session/register-tickets.ts'
import { TenantClient } from '../connection/tenant-client.ts'
import { internalsOfClient } from '../wire/pg-internals.ts'
import type { StatementLane, WalledPool } from './walled-pool.ts'

const TEMP_TEXT = `
  select exists (
    select from pg_catalog.pg_roles r
     where (r.rolname = session_user or pg_catalog.pg_has_role(session_user, r.oid, 'MEMBER'))
       and pg_catalog.has_database_privilege(r.oid, pg_catalog.current_database(), 'TEMPORARY')) as may`

/**
 * A few pipelined connections, shared by the single statements of all tenants. Each statement is sent at once, without waiting for the
 * answers to earlier ones.
 *
 * Each statement still has its own context in its own implicit transaction. Two facts make sharing safe. No role may create temporary
 * objects. The context statement has no name, so no tenant can use PREPARE to put another statement in its place.
 */
export class PipelinedLane implements StatementLane {
  readonly #pool: WalledPool
  readonly #size: number
  #clients: TenantClient[] = []
  #opening = 0
  #waiting: TenantQuery[] = []
  #checked: Promise<void> | undefined
  #ended = false
  /** Connections whose writes are collected until the end of this turn of the event loop. */
  readonly #corked = new Set<TenantClient>()

  /** @param pool opens the connections. It must have the option `pipeline: true`, and `shared: true` in its settings */
  constructor(pool: WalledPool, size: number) {
    this.#pool = pool
    this.#size = size
  }

  run(query: TenantQuery): void {
    if (this.#ended) {
      query.fail(new ClosedError('The pool is closing and takes no new work.'))
      return
    }
    const client = this.#leastBusy()
    if (this.#clients.length + this.#opening < this.#size && (client === undefined || client.guard.inFlight > 0))
      this.#open()
    if (client === undefined) this.#waiting.push(query)
    else this.#send(client, query)
  }

  /** Sends a statement. Statements of the same turn of the event loop go out in one write. */
  #send(client: TenantClient, query: TenantQuery): void {
    if (!this.#corked.has(client)) {
      const { stream } = internalsOfClient(client).connection
      this.#corked.add(client)
      stream.cork()
      process.nextTick(() => {
        this.#corked.delete(client)
        stream.uncork()
      })
    }
    query.onFinished = this.#retire
    client.run(query)
  }

  async end(): Promise<void> {
    this.#ended = true
    const clients = this.#clients
    this.#clients = []
    await Promise.all(clients.map((client) => this.#drain(client)))
    await this.#pool.end()
  }

  #leastBusy(): TenantClient | undefined {
    let best: TenantClient | undefined
    for (const client of this.#clients) {
      if (client.guard.discardedFor !== undefined) continue
      if (best === undefined || client.guard.inFlight < best.guard.inFlight) best = client
    }
    return best
  }

  #open(): void {
    this.#opening++
    this.#checked ??= this.#refuseTemporary()
    this.#checked
      .then(() => this.#pool.leaseFor(undefined))
      .then(
        (client) => this.#opened(client),
        (error: Error) => this.#failed(error),
      )
      .catch(() => {})
  }

  #opened(client: TenantClient): void {
    this.#opening--
    this.#clients.push(client)
    client.once('end', () => {
      this.#clients = this.#clients.filter((other) => other !== client)
      this.#pool.takeBack(client, new Error('a pipelined connection ended'))
      if (this.#waiting.length > 0 && this.#opening === 0) this.#open()
    })
    const waiting = this.#waiting
    this.#waiting = []
    for (const query of waiting) this.#send(client, query)
  }

  #failed(error: Error): void {
    this.#opening--
    this.#checked = undefined
    if (this.#clients.length > 0 || this.#opening > 0) return
    const waiting = this.#waiting
    this.#waiting = []
    for (const query of waiting) query.fail(error)
  }

  /**
   * Closes a discarded connection after its last answer. pg's event `drain` can't be used for this, because pg emits it before a failed
   * statement has ended. With `drain` the connection would stay open, and no new connection could replace it.
   */
  readonly #retire = ({ host }: TenantQuery): void => {
    if (host instanceof TenantClient) this.#lookAt(host)
  }

  #lookAt(client: TenantClient): void {
    const { discardedFor, inFlight } = client.guard
    // Register the waiting tickets. If the connection is discarded meanwhile, nothing else would close it. So look again after the
    // registration.
    if (discardedFor === undefined) void registerTickets(client)?.then(() => this.#lookAt(client))
    else if (inFlight === 0) client.destroySocket(new Error(discardedFor))
  }

  async #drain(client: TenantClient): Promise<void> {
    if (client.guard.inFlight > 0) await new Promise((resolve) => client.once('drain', resolve))
    const gone = new Promise((resolve) => client.once('end', resolve))
    client.destroySocket(new Error('the pool was closed'))
    await gone
  }

  async #refuseTemporary(): Promise<void> {
    const { rows } = await this.#pool.runAsLogin(TEMP_TEXT)
    if (rows[0]?.may !== true) return
    throw new ConfigurationError(
      'pipelinedConnections needs a database in which the application can’t make temporary objects: REVOKE TEMPORARY ON DATABASE … FROM PUBLIC, tenant_user, tenant_admin.',
    )
  }
}
