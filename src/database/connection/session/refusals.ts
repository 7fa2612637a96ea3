import { type ContextFrame, internalsOf, isTenantFrame, type TenantFrame } from '../../../context/frame.ts'
import { isTenantSchemaName } from '../../../context/placement.ts'
import {
  ConfigurationError,
  StatementRefusedError,
  TenantContextMissingError,
  TenantIsolationError,
} from '../../../errors.ts'
import type { WallSettings } from '../../settings/wall-settings.ts'
import { isSingleStatement } from '../../statement/statement-effects.ts'
import { type StatementKind, statementCommand } from '../../statement/statement-kind.ts'
import { statementRefused } from '../query/statement-cures.ts'

/** Returns an error if a frame may not use connections with these settings at all. */
export function refuseFrame(frame: ContextFrame | undefined, settings: WallSettings): Error | undefined {
  if (frame === undefined) {
    return new TenantContextMissingError(
      'A query was made outside a tenant context; nothing was sent. Call it inside runWithTenant(), or behind tenantContextMiddleware(); for an ORM’s start-up use runWithoutTenant().',
    )
  }
  const lost = settings.protection?.refusal()
  if (lost !== undefined) return lost
  const { kind, scope, stopped } = internalsOf(frame)
  const stop = stopped?.()
  if (stop !== undefined) return stop
  if (scope !== undefined && !scope.alive()) {
    return new TenantIsolationError(
      'The runAcrossTenants() scope of this work has ended; nothing was sent. Await all of its work inside fn.',
    )
  }
  const misplaced = isTenantFrame(frame) ? refusePlacement(frame, settings) : undefined
  if (misplaced !== undefined) return misplaced
  if ((kind === 'across') === (settings.serves === 'across')) return undefined
  return settings.serves === 'across'
    ? new TenantIsolationError('A connection of a runAcrossTenants() scope was used outside of it.')
    : new TenantContextMissingError(
        'Inside runAcrossTenants() a tenant’s connection needs a nested runWithTenant(); nothing was sent.',
      )
}

/** Refuses a placement whose schema is also in the search_path of other tenants. */
function refusePlacement({ placement }: TenantFrame, settings: WallSettings): Error | undefined {
  if (placement === undefined) return undefined
  if (!isTenantSchemaName(placement.schema))
    return new ConfigurationError('The placement of this context names no schema of a tenant; nothing was sent.')
  if (!settings.commonSchemas.has(placement.schema)) return undefined
  return new ConfigurationError(
    `The placement of this context is the schema ${placement.schema}. The pool’s searchPath or lookupSchemas contains this schema too, so other tenants would search it; nothing was sent.`,
  )
}

/** Returns an error if the settings do not allow statements of this kind; see `statementKind`. */
export function refuseStatement(kind: StatementKind, text: string, settings: WallSettings): Error | undefined {
  if (settings.multiStatements) return undefined
  if (kind === 'copy-from') {
    return new StatementRefusedError(
      'COPY … FROM is refused by PostgreSQL on tables with row-level security. Use pool.copyInto(table, rows).',
    )
  }
  if (kind !== 'other' && kind !== 'explain') return undefined
  const command = statementCommand(text)
  // EXPLAIN of any command but SELECT, INSERT, UPDATE, DELETE and MERGE, such as EXPLAIN ANALYZE EXECUTE, is never allowed. allowStatements can't allow it separately, because it has
  // the same command tag as EXPLAIN of a SELECT.
  const isPermitted = settings.allowStatements.has(command) && (kind === 'explain' || command !== 'EXPLAIN')
  if (isPermitted) return undefined
  if (command === 'EXPLAIN') return explainRefused(kind)
  return command === 'CREATE' && !/^\s*create/i.test(text) ? selectIntoRefused() : statementRefused(command)
}

/** Also refuses BEGIN. It makes no sense in `pool.query()`, which returns its connection at once. */
export function refuseLoneStatement(kind: StatementKind, text: string, settings: WallSettings): Error | undefined {
  if (kind === 'begin' && isSingleStatement(text)) {
    return new StatementRefusedError(
      'pool.query("BEGIN") would lose its transaction: the next query gets another connection. Use pool.transaction(), or pool.connect().',
    )
  }
  return refuseStatement(kind, text, settings)
}

/** EXPLAIN is refused, because a plan shows how many rows an index found and a filter removed. These may be rows of another tenant. */
function explainRefused(kind: StatementKind): StatementRefusedError {
  if (kind === 'other')
    return new StatementRefusedError(
      'EXPLAIN of this command is not allowed on tenants’ connections. EXPLAIN a SELECT, INSERT, UPDATE, DELETE or MERGE, or run it with the migration role.',
    )
  return new StatementRefusedError(
    'EXPLAIN is not allowed on tenants’ connections: “Rows Removed by Filter” tells whether a row of another tenant has a value. ' +
      "Use the command partywall plan --tenant ID 'SQL'. Or let it through with database.allowStatements: ['EXPLAIN'] (createTenantPool: allowStatements).",
  )
}

function selectIntoRefused(): StatementRefusedError {
  return new StatementRefusedError(
    'SELECT … INTO creates a table, so it is refused like CREATE TABLE. Use INSERT INTO … SELECT, or run it with the migration role.',
  )
}

/** The error for using an object of another tenant. It also emits a security event. */
export function isolationError(
  frame: ContextFrame,
  boundTenantId: string,
  settings: WallSettings,
  message: string,
): TenantIsolationError {
  const events = settings.events ?? internalsOf(frame).events
  events?.emit({
    type: 'CROSS_TENANT_ACCESS_ATTEMPT',
    source: 'database',
    tenantId: frame.tenantId,
    attemptedTenantId: boundTenantId,
    ...('userId' in frame ? { userId: frame.userId, requestId: frame.requestId } : {}),
  })
  return new TenantIsolationError(message, { details: { tenantId: frame.tenantId, boundTenantId } })
}
