/** The parts of postgres.js that `tenantTransaction` uses. It is not a dependency. */

/** A query that is sent when it is awaited. */
export interface JsQuery {
  strings: readonly string[]
  args: readonly unknown[]
  options: { simple?: boolean }
  /** Sends the query on the connection of its transaction. */
  handler: (query: JsQuery) => unknown
  reject(error: unknown): void
}

/** `sql` inside a transaction of postgres.js. */
export interface JsTransaction {
  unsafe(text: string, values?: unknown[], options?: object): PromiseLike<Record<string, unknown>[]>
  savepoint(...values: unknown[]): Promise<unknown>
}

/** `sql` of postgres.js: what `postgres(url)` returns. */
export interface PostgresJs<Transaction> {
  begin(options: string, fn: (sql: Transaction) => unknown): Promise<unknown>
}

/** Whether a value is a query of postgres.js, as opposed to an identifier or a list of values. */
export function isJsQuery(value: unknown): value is JsQuery {
  return (
    typeof value === 'object' &&
    value !== null &&
    'handler' in value &&
    typeof value.handler === 'function' &&
    'reject' in value &&
    typeof value.reject === 'function' &&
    'strings' in value &&
    Array.isArray(value.strings) &&
    'options' in value &&
    typeof value.options === 'object'
  )
}

/** The text of a query with its fragments, as far as it is needed to tell the command. Values and names become `$1`. */
export function textOf({ strings, args }: JsQuery): string {
  return strings
    .map((part, index) => {
      const arg = args[index]
      if (index === strings.length - 1) return part
      return `${part}${isJsQuery(arg) ? textOf(arg) : ' $1 '}`
    })
    .join('')
}
