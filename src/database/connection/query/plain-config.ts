import { type PgQuery, PgResultClass } from '../../wire/pg-internals.ts'

/** The fields of a pg query config that can be copied as they are. */
interface PlainConfig {
  readonly text: string
  readonly name?: string | undefined
  readonly values?: unknown
  readonly rows?: number | undefined
  readonly binary?: unknown
  readonly portal?: string | undefined
  readonly types?: unknown
  readonly rowMode?: unknown
}

export function isPlain(config: unknown): config is PlainConfig {
  return config !== null && typeof config === 'object' && 'text' in config && typeof config.text === 'string'
}

/**
 * Copies the other fields of the config into a query that was made from its text alone. pg does this by property descriptors, which costs
 * as much as everything else about a query.
 */
export function takeConfig(query: PgQuery, config: PlainConfig, values: unknown): void {
  query.name = config.name
  query.values = values || config.values
  query.rows = config.rows
  query.binary = config.binary
  query.portal = config.portal || ''
  const { types, rowMode } = config
  if (types === undefined && rowMode === undefined) return
  query.types = types
  query._rowMode = rowMode
  query._result = new PgResultClass(rowMode, types)
  query._results = query._result
}
