import type pg from 'pg'
import { ConfigurationError, TransactionRolledBackError } from '../../errors.ts'
import { maySendAgain, SENDS_AGAIN } from '../connection/session/context-failure.ts'
import { type CopyIntoOptions, type CopyRows, copyInto } from '../statement/copy-into.ts'
import { isServerError } from '../wire/pg-internals.ts'

/** How a transaction runs. */
export interface TransactionOptions {
  /** Default: the server's, usually `read committed`. */
  readonly isolation?: 'read committed' | 'repeatable read' | 'serializable' | undefined
  readonly readOnly?: boolean | undefined
  /** How often `fn` runs again after a serialization failure or a deadlock; default 0. `fn` must be safe to run more than once. */
  readonly retry?: number | undefined
  /** Rolls back and closes the connection when it fires. */
  readonly signal?: AbortSignal | undefined
}

/** The argument of a transaction's function. It belongs to the tenant in whose context the transaction was opened. */
export interface TenantTransaction {
  readonly query: pg.ClientBase['query']
  /** The checked-out client, for libraries that need a client. Do not release it. */
  readonly client: pg.PoolClient
  /**
   * Runs `fn` in a savepoint. If `fn` throws, everything since the savepoint is undone, and the outer transaction goes on. Savepoints run
   * one after the other.
   */
  transaction<T>(fn: (transaction: TenantTransaction) => Promise<T>): Promise<T>
  /** Writes many rows in batches; see `TenantPool.copyInto`. */
  copyInto(table: string, rows: CopyRows, options?: CopyIntoOptions): Promise<number>
}

const RETRIED = new Set(['40001', '40P01'])

/**
 * Runs `fn` in one transaction: committed when it returns, rolled back when it throws.
 *
 * @param connect gives a client that is bound to the caller's tenant
 */
export async function runTransaction<T>(
  connect: () => Promise<pg.PoolClient>,
  fn: (transaction: TenantTransaction) => Promise<T>,
  options: TransactionOptions = {},
): Promise<T> {
  const begin = beginText(options)
  let left = options.retry ?? 0
  for (;;) {
    try {
      return await runOnce(connect, begin, fn, options.signal)
    } catch (error) {
      if (left-- <= 0 || !(error instanceof Error) || !isServerError(error) || !RETRIED.has(error.code)) throw error
    }
  }
}

async function runOnce<T>(
  connect: () => Promise<pg.PoolClient>,
  begin: string,
  fn: (transaction: TenantTransaction) => Promise<T>,
  signal: AbortSignal | undefined,
): Promise<T> {
  signal?.throwIfAborted()
  const client = await begun(connect, begin)
  let problem: Error | undefined
  try {
    const result = await fn(new OpenTransaction(client))
    signal?.throwIfAborted()
    const ended = await client.query('commit')
    if (ended.command === 'ROLLBACK') {
      throw new TransactionRolledBackError(
        'The transaction was rolled back: one of its statements had failed and the error was caught inside. Nothing of it was kept.',
      )
    }
    return result
  } catch (error) {
    if (client.getTransactionStatus() !== 'I') problem = await rollBack(client)
    throw error
  } finally {
    client.release(problem)
  }
}

/** Returns a client in a new transaction. If another tenant left a connection unusable, it is closed and the next connection is tried. */
async function begun(connect: () => Promise<pg.PoolClient>, begin: string): Promise<pg.PoolClient> {
  for (let left = SENDS_AGAIN; ; left--) {
    const client = await connect()
    try {
      await client.query(begin)
      return client
    } catch (error) {
      client.release(client.getTransactionStatus() === 'I' ? undefined : true)
      if (left <= 0 || !maySendAgain(error)) throw error
    }
  }
}

/** @returns the reason why the connection can't be kept, if the rollback itself failed */
async function rollBack(client: pg.PoolClient): Promise<Error | undefined> {
  try {
    await client.query('rollback')
    return undefined
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
}

class OpenTransaction implements TenantTransaction {
  readonly client: pg.PoolClient
  readonly query: pg.ClientBase['query']
  readonly #depth: number
  #last: Promise<unknown> = Promise.resolve()

  constructor(client: pg.PoolClient, depth = 0) {
    this.client = client
    this.query = client.query.bind(client)
    this.#depth = depth
  }

  transaction<T>(fn: (transaction: TenantTransaction) => Promise<T>): Promise<T> {
    // Savepoints nest: two savepoints at once on one connection would end each other.
    const run = this.#last.then(() => this.#savepoint(fn))
    this.#last = run.catch(() => {})
    return run
  }

  copyInto(table: string, rows: CopyRows, options?: CopyIntoOptions): Promise<number> {
    return copyInto(this.client, table, rows, options)
  }

  async #savepoint<T>(fn: (transaction: TenantTransaction) => Promise<T>): Promise<T> {
    const name = `partywall_${this.#depth + 1}`
    await this.client.query(`savepoint ${name}`)
    try {
      const result = await fn(new OpenTransaction(this.client, this.#depth + 1))
      await this.client.query(`release savepoint ${name}`)
      return result
    } catch (error) {
      await this.client.query(`rollback to savepoint ${name}`)
      await this.client.query(`release savepoint ${name}`)
      throw error
    }
  }
}

const ISOLATION = new Set(['read committed', 'repeatable read', 'serializable'])

function beginText({ isolation, readOnly, retry }: TransactionOptions): string {
  if (isolation !== undefined && !ISOLATION.has(isolation)) {
    throw new ConfigurationError(
      "transaction(fn, { isolation }): must be 'read committed', 'repeatable read' or 'serializable'.",
    )
  }
  if (retry !== undefined && !(Number.isInteger(retry) && retry >= 0)) {
    throw new ConfigurationError('transaction(fn, { retry }): must be a whole number, 0 or more.')
  }
  const level = isolation === undefined ? '' : ` isolation level ${isolation}`
  return `begin${level}${readOnly === true ? ' read only' : ''}`
}
