import pg from 'pg'
import type { WallSettings } from '../../settings/wall-settings.ts'
import { type PgConnection, PgQueryBase, type PgResult } from '../../wire/pg-internals.ts'
import { FREEZES_VALUES } from '../prepared/frozen-values.ts'
import { contextForms, contextStatement, contextStatementName, contextTypes, isUnnamed } from './context-statement.ts'
import { isIsolation, type PreparedText, startupSettings, type TransactionStart } from './session-reset.ts'

/** Facts about a connection that are read when it is set up. */
export interface SetupFacts {
  /** The database's real name. A pooler may use another name for it. */
  readonly database: string
  /** Whether RESET ALL restores the pool's search_path and timeouts. It does not if a proxy dropped the start-up options. */
  readonly startupInForce: boolean
  /** Whether the database supports tickets. Without the migration for tickets, it refuses a seal that contains one. */
  readonly takesTickets: boolean
  readonly start: TransactionStart
  /** Whether a function of the database is wrongly IMMUTABLE: a cached plan would contain its result for one tenant. */
  readonly freezesValues: boolean
}

/** Reads all values as text, because the application's type parsers must not change them. */
export const AS_TEXT: pg.CustomTypesConfig = { getTypeParser: () => String }

/**
 * The first query of a connection: asks for {@link SetupFacts} and, in the same round trip, prepares our statements. The query itself has
 * no name, so pg does not mistake the ParseComplete of our statements for that of the query.
 */
export class SetupQuery extends PgQueryBase {
  readonly #statements: readonly PreparedText[]

  constructor(
    settings: WallSettings,
    statements: readonly PreparedText[],
    callback: (error: Error | null, row: unknown) => void,
  ) {
    super(
      { text: factsText(settings), queryMode: 'extended', types: AS_TEXT },
      undefined,
      (error: Error | null, result?: PgResult) => callback(error, result?.rows[0]),
    )
    this.#statements = statements
  }

  override prepare(connection: PgConnection): void {
    for (const statement of this.#statements) connection.parse(statement)
    super.prepare(connection)
  }
}

/** The forms of the context statement that a connection prepares. */
export function contextStatements(settings: WallSettings, base: 'identity' | 'full'): readonly PreparedText[] {
  if (isUnnamed(settings)) return []
  return contextForms(base).map((form) => ({
    name: contextStatementName(form, settings),
    text: contextStatement(form, settings),
    types: contextTypes(form),
  }))
}

/** Asks the catalog, because the login role may have no privilege on the schema. */
const TAKES_TICKETS = `exists (select from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid operator(pg_catalog.=) p.pronamespace
  where n.nspname operator(pg_catalog.=) 'partywall' and p.proname operator(pg_catalog.=) 'register_tickets')::pg_catalog.text`

/** Compares each setting's value with the wanted value. set_config returns the wanted value in the server's spelling, and runs second. */
function factsText(settings: WallSettings): string {
  const inForce = [...startupSettings(settings)].map(([name, value]) => {
    const quoted = pg.escapeLiteral(name)
    return `pg_catalog.current_setting(${quoted}) operator(pg_catalog.=) pg_catalog.set_config(${quoted}, ${pg.escapeLiteral(value)}, true)`
  })
  const start = ['isolation', 'read_only', 'deferrable'].map(
    (part) => `pg_catalog.current_setting('transaction_${part}') as ${part}`,
  )
  return `select pg_catalog.current_database() as database, ${TAKES_TICKETS} as takes_tickets, ${start.join(', ')}, (${inForce.join(' and ')})::pg_catalog.text as in_force, (${FREEZES_VALUES})::pg_catalog.text as freezes_values`
}

/** @throws {Error} if a value is missing, or the isolation level is not known */
export function readSetupFacts(row: unknown): SetupFacts {
  const text = (name: string): string => {
    const value: unknown = row !== null && typeof row === 'object' ? Reflect.get(row, name) : undefined
    if (typeof value !== 'string') throw new Error(`PostgreSQL did not tell the ${name} of the session`)
    return value
  }
  const isolation = text('isolation')
  if (!isIsolation(isolation)) throw new Error(`PostgreSQL has an isolation level that is not known: ${isolation}`)
  return {
    database: text('database'),
    startupInForce: text('in_force') === 'true',
    takesTickets: text('takes_tickets') === 'true',
    freezesValues: text('freezes_values') === 'true',
    start: {
      isolation,
      readOnly: text('read_only') === 'on' ? 'on' : 'off',
      deferrable: text('deferrable') === 'on' ? 'on' : 'off',
    },
  }
}
