import { type PgQuery, PgResultClass } from '../../wire/pg-internals.ts'

/** A query config of pg, as far as it needs no reading of its own. */
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
 * Gives a query that was made of its text alone the rest of its config, as pg does. pg copies a config by its property descriptors, which
 * costs as much as all the rest of a query.
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
