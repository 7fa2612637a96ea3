import { ConfigurationError, StatementRefusedError, TenantIsolationError } from '../../errors.ts'
import { isJsQuery, type JsQuery, type JsTransaction, textOf } from './shapes.ts'

/** The checks that a statement must pass. */
interface StatementChecks {
  /** Throws if the running code may not use the transaction. Called when a query is made. */
  readonly here: () => void
  /** Throws if a statement is not allowed. Called when a query is sent. */
  readonly text: (text: string) => void
  /** Resolves when the context of the transaction is valid for the next statement; undefined if it is valid already. */
  readonly context: () => Promise<void> | undefined
}

/** Methods of `sql` that make a query. */
const QUERIES = new Set(['unsafe', 'file'])
/** Methods and parts that need no connection. All others are refused, such as `prepare` (PREPARE TRANSACTION) and `notify`. */
const HELPERS = new Set(['json', 'array', 'typed', 'types'])

/**
 * Wraps the `sql` of a transaction, so that each of its statements is checked.
 *
 * @returns the guarded `sql`, and a function that ends its use: afterwards it refuses everything
 */
export function guardSql<Transaction extends JsTransaction>(
  sql: Transaction,
  checks: StatementChecks,
): { readonly guarded: Transaction; readonly end: () => void } {
  let ended = false
  const refuseEnded = () => {
    if (ended)
      throw new TenantIsolationError(
        'A transaction of tenantTransaction() was used after its end; nothing was sent. Await its queries inside fn.',
      )
  }
  const watched = <T>(made: T): T => {
    if (isJsQuery(made)) guardQuery(made, refuseEnded, checks)
    return made
  }
  const guarded = new Proxy(sql, {
    apply(target, _self, values: unknown[]) {
      refuseEnded()
      checks.here()
      const made: unknown = Reflect.apply(target as unknown as (...given: unknown[]) => unknown, undefined, values)
      const [strings] = values
      const isTemplate = Array.isArray(strings) && 'raw' in strings
      if (isTemplate && !isJsQuery(made)) throw unknownRelease()
      return watched(made)
    },
    get(target, name) {
      if (name === 'savepoint') return (...values: unknown[]) => savepoint(target, values)
      const value: unknown = Reflect.get(target, name)
      if (typeof name !== 'string' || HELPERS.has(name)) return value
      if (!QUERIES.has(name)) return refusedMethod(name)
      return (text: string, ...rest: unknown[]) => {
        refuseEnded()
        checks.here()
        const [args, options] = Array.isArray(rest[0]) ? [rest[0], rest[1]] : [[], rest[0]]
        // Without parameters postgres.js would use the simple protocol, in which a text may hold several statements.
        const made: unknown = Reflect.apply(value as () => unknown, target, [
          text,
          args,
          { ...(options as object), simple: false },
        ])
        if (!isJsQuery(made)) throw unknownRelease()
        return watched(made)
      }
    },
  })

  function savepoint(target: Transaction, values: unknown[]): Promise<unknown> {
    refuseEnded()
    checks.here()
    const fn = values.at(-1)
    if (typeof fn !== 'function') throw unknownRelease()
    const here = () => {
      refuseEnded()
      checks.here()
    }
    const inside = async (nested: Transaction) => {
      const inner = guardSql(nested, { ...checks, here })
      try {
        return await fn(inner.guarded)
      } finally {
        inner.end()
      }
    }
    return target.savepoint(...values.slice(0, -1), inside)
  }

  return {
    guarded,
    end: () => {
      ended = true
    },
  }
}

/**
 * Checks a query again when it is sent. A query of postgres.js is sent when it is awaited, on the connection of its transaction, even if the
 * transaction has ended and the connection serves another tenant by then.
 */
function guardQuery(query: JsQuery, refuseEnded: () => void, checks: StatementChecks): void {
  const send = query.handler
  const handler = (sent: JsQuery): unknown => {
    try {
      refuseEnded()
      if (sent.options.simple === true)
        throw new StatementRefusedError(
          'simple(), readable() and writable() of postgres.js are not allowed in tenantTransaction(): such a text may hold several statements.',
        )
      checks.text(textOf(sent))
      const renewed = checks.context()
      if (renewed === undefined) return send(sent)
      renewed
        .then(() => {
          refuseEnded()
          return send(sent)
        })
        .catch((error: unknown) => sent.reject(error))
    } catch (error) {
      sent.reject(error)
    }
    return undefined
  }
  // postgres.js reads `debug` from the handler.
  query.handler = Object.assign(handler, { debug: Reflect.get(send, 'debug') as unknown })
}

function refusedMethod(name: string): () => never {
  return () => {
    throw new StatementRefusedError(`sql.${name}() is not allowed in tenantTransaction().`)
  }
}

function unknownRelease(): ConfigurationError {
  return new ConfigurationError(
    'tenantTransaction() does not know how this release of postgres.js makes queries, so it can’t check them. Use postgres 3.4.',
  )
}
