import { qualifiedName, quoteIdentifier, quoteLiteral } from '../../catalog/names.ts'
import { objectName } from '../../catalog/object-name.ts'
import type { Change, Decision, Part } from '../change.ts'
import { NOTHING } from '../change.ts'
import type { Planning } from '../input.ts'
import { contextSql, doBlock } from '../sql-text.ts'
import type { Target } from '../target.ts'
import { guardName } from './guard-trigger.ts'

/** Says what becomes of rows without a tenant. */
export const NO_TENANT_SEES = 'no tenant will see them.'

/** Makes the tenant column NOT NULL, with the context's tenant as its default. */
export function tenantColumnChanges(planning: Planning, target: Target): Part {
  // A partition has its parent's columns. The key of the table of tenants is generated, and not taken from the context.
  if (target.kind === 'root' || target.relation.isPartition || target.relation.kind === 'foreign-table') return NOTHING
  const notNull = notNullChanges(planning, target)
  const byDefault = defaultChange(planning, target)
  return {
    changes: [...notNull.changes, ...(byDefault === undefined ? [] : [byDefault])],
    decisions: notNull.decisions,
  }
}

function notNullChanges(planning: Planning, target: Target): Part {
  const { relation, column, hasOrphans } = target
  if (column.existing?.notNull === true) return NOTHING
  const table = qualifiedName(relation)
  const name = quoteIdentifier(column.name)
  const object = relation.label
  const set = `ALTER TABLE ${table} ALTER COLUMN ${name} SET NOT NULL;`
  if (planning.sharesRows(relation)) {
    const reason = `its policies show some rows to all tenants. Such rows may have no ${column.name}, so the column may stay NULL. If every row should have a value:`
    return { changes: [], decisions: [{ object, reason, sql: set }] }
  }
  if (hasOrphans) {
    const decision: Decision = {
      object,
      reason: `some rows have no ${column.name}: ${NO_TENANT_SEES} Give each a tenant, or delete it, before this migration runs: afterwards the trigger ${guardName(target)} lets no row change its tenant. Then:`,
      sql: set,
    }
    return { changes: [], decisions: [decision] }
  }
  const down = [`ALTER TABLE ${table} ALTER COLUMN ${name} DROP NOT NULL;`]
  // The application does not fill a new column yet, so NOT NULL can only come together with the guard trigger that fills it.
  if (column.existing === undefined || target.link !== undefined || relation.kind === 'partitioned-table')
    return { changes: [{ phase: 'protect', object, up: [set], down }], decisions: [] }
  // With a validated CHECK (… IS NOT NULL), SET NOT NULL needs no table scan under an ACCESS EXCLUSIVE lock.
  const check = objectName(['partywall', relation.name, column.name], '_not_null')
  const relid = `${quoteLiteral(table)}::regclass`
  const attribute = `SELECT FROM pg_catalog.pg_attribute WHERE attrelid = ${relid} AND attname = ${quoteLiteral(column.name)} AND attnotnull`
  const constraint = `SELECT FROM pg_catalog.pg_constraint WHERE conrelid = ${relid} AND conname = ${quoteLiteral(check)}`
  const drop = `ALTER TABLE ${table} DROP CONSTRAINT IF EXISTS ${quoteIdentifier(check)};`
  const changes: Change[] = [
    {
      phase: 'keys',
      object,
      up: [
        doBlock(`  IF NOT EXISTS (${attribute}) AND NOT EXISTS (${constraint}) THEN
    ALTER TABLE ${table} ADD CONSTRAINT ${quoteIdentifier(check)} CHECK (${name} IS NOT NULL) NOT VALID;
  END IF;`),
      ],
      down: [drop],
    },
    {
      phase: 'validate',
      object,
      up: [
        doBlock(`  IF EXISTS (${constraint}) THEN
    ALTER TABLE ${table} VALIDATE CONSTRAINT ${quoteIdentifier(check)};
  END IF;`),
      ],
      down: [],
    },
    { phase: 'protect', object, up: [set, drop], down },
  ]
  return { changes, decisions: [] }
}

function defaultChange(planning: Planning, target: Target): Change | undefined {
  const { relation, column } = target
  const existing = column.existing
  if (existing?.generated !== undefined || existing?.identity !== undefined) return undefined
  // A default of the user's own that reads the same setting is kept.
  if (existing?.default?.includes(`'${planning.setting.setting}'`) === true) return undefined
  const alter = `ALTER TABLE ${qualifiedName(relation)} ALTER COLUMN ${quoteIdentifier(column.name)}`
  const before = existing?.hasOwnDefault === true ? existing.default : undefined
  return {
    phase: 'protect',
    object: relation.label,
    up: [`${alter}\n  SET DEFAULT (${contextSql(planning.setting, column.cast)});`],
    down: [before === undefined ? `${alter} DROP DEFAULT;` : `${alter} SET DEFAULT ${before};`],
  }
}
