/** Where a tenant's tables are: in a schema of their own. A tenant without a placement uses the shared tables. */
export interface Placement {
  /** Name of the schema: at most 63 lower-case letters, digits and underscores. */
  readonly schema: string
}

/**
 * PostgreSQL cuts longer names off, so two names that differ after byte 63 would be one schema. It also folds upper case in names that are
 * not quoted.
 */
const SCHEMA_NAME = /^[a-z_][a-z0-9_]{0,62}$/

/** Schemas of PostgreSQL, of partywall, and the usual schema of shared tables. */
const RESERVED: ReadonlySet<string> = new Set(['public', 'information_schema', 'partywall'])

/** Whether a schema may have this name and hold the tables of one tenant. */
export function isTenantSchemaName(name: unknown): name is string {
  return typeof name === 'string' && SCHEMA_NAME.test(name) && !name.startsWith('pg_') && !RESERVED.has(name)
}

/** Why a value is no placement; undefined if it is one. The text never contains the value. */
export function placementProblem(value: unknown): string | undefined {
  if (value === null || typeof value !== 'object' || !('schema' in value)) return 'must be { schema }'
  if (isTenantSchemaName(value.schema)) return undefined
  return 'must name a schema: 1 to 63 lower-case letters, digits and underscores, not pg_… and no schema of PostgreSQL or partywall'
}
