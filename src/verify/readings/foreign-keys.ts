import type { Column, Constraint, Relation, Trigger } from '../../catalog/model.ts'
import { qualifiedName, quoteIdentifier } from '../../catalog/names.ts'
import { objectName } from '../../catalog/object-name.ts'
import { walkExpression } from '../../sql/walk.ts'
import type { Facts, TenantTable } from '../../tenancy/facts.ts'

/** A foreign key between two tables that are bound to tenants, the table of tenants left out. */
export interface TenantForeignKey {
  readonly table: TenantTable
  readonly relation: Relation
  readonly constraint: Constraint
  readonly references: NonNullable<Constraint['references']>
  readonly parent: Relation
  readonly parentTable: TenantTable
  /** Referencing and referenced columns, pair by pair. */
  readonly columns: readonly Column[]
  readonly parentColumns: readonly Column[]
  /** Whether the key pairs the tenant column of the referencing table with the tenant column of the referenced table. */
  readonly pairsTenant: boolean
}

const known = new WeakMap<Facts, readonly TenantForeignKey[]>()

export function tenantForeignKeys(facts: Facts): readonly TenantForeignKey[] {
  let list = known.get(facts)
  if (list === undefined) {
    list = [...facts.tenancy.tables.values()].flatMap((table) => foreignKeysOf(facts, table))
    known.set(facts, list)
  }
  return list
}

function foreignKeysOf(facts: Facts, table: TenantTable): readonly TenantForeignKey[] {
  const { relation } = table
  if (table.kind === 'root') return []
  return relation.constraints.flatMap((constraint): readonly TenantForeignKey[] => {
    const { references } = constraint
    // Partitions have copies of their parent's foreign keys: skip these.
    if (references === undefined || constraint.parent !== 0 || relation.isPartition) return []
    const parent = facts.relationOf(references.relation)
    const parentTable = parent === undefined ? undefined : facts.tenantTable(parent)
    if (parent === undefined || parentTable === undefined || parentTable.kind === 'root') return []
    const columns = constraint.columns.flatMap((number) => facts.columnNumbered(relation, number) ?? [])
    const parentColumns = references.columns.flatMap((number) => facts.columnNumbered(parent, number) ?? [])
    if (columns.length !== parentColumns.length) return []
    const pairsTenant = columns.some(
      (column, at) => column === table.column && parentColumns[at] === parentTable.column,
    )
    return [{ table, relation, constraint, references, parent, parentTable, columns, parentColumns, pairsTenant }]
  })
}

/**
 * A hint that a foreign key without the tenant may still be safe: a policy queries the parent table (`policy`, the stronger hint), or a
 * trigger runs at INSERT (`trigger`). The attack then shows whether the key is safe.
 */
export function otherwiseHeld(facts: Facts, key: TenantForeignKey): 'policy' | 'trigger' | undefined {
  const names = (text: string | undefined) => {
    const parsed = text === undefined ? undefined : facts.sql.expression(text)
    let named = false
    if (parsed?.ok === true)
      walkExpression(parsed.value, {
        table: (table) => {
          named ||= table.name === key.parent.name
        },
      })
    return named
  }
  const looks = key.relation.policies.some((policy) => names(policy.check ?? policy.using))
  if (looks && key.relation.rowSecurity) return 'policy'
  const guarded = key.relation.triggers.some(
    (trigger) =>
      trigger.enabled !== 'disabled' &&
      trigger.events.includes('insert') &&
      trigger.timing !== 'instead-of' &&
      !isPartywallsTrigger(facts, trigger),
  )
  return guarded ? 'trigger' : undefined
}

/**
 * Whether partywall wrote the trigger: the guard of `partywall protect`, which compares only the tenant column, or a trigger whose function
 * is in the schema partywall. No such trigger looks at the row that a foreign key refers to.
 */
function isPartywallsTrigger(facts: Facts, trigger: Trigger): boolean {
  const fn = facts.catalog.functions.get(trigger.function)
  return fn?.schema === 'partywall' || (fn?.name === trigger.name && trigger.name.startsWith('partywall_enforce_'))
}

/**
 * Whether a row that refers to the parent's row keeps that row from being deleted. NO ACTION and RESTRICT refuse the DELETE. SET NULL does
 * too, if a column that it clears is NOT NULL.
 */
export function keepsParent({ relation, constraint, references }: TenantForeignKey): boolean {
  const { onDelete, setColumns } = references
  if (onDelete === 'no-action' || onDelete === 'restrict') return true
  const cleared = setColumns.length === 0 ? constraint.columns : setColumns
  return onDelete === 'set-null' && relation.columns.some(({ number, notNull }) => notNull && cleared.includes(number))
}

/** True when some acting role can store a reference: INSERT, or UPDATE of one of the key's columns. */
export function canReference(facts: Facts, key: TenantForeignKey): boolean {
  return (['INSERT', 'UPDATE'] as const).some((privilege) =>
    facts
      .reach(key.relation, privilege)
      .some((role) =>
        key.columns.some((column) => facts.privileges.onColumn(role.role.oid, key.relation, column, privilege)),
      ),
  )
}

/**
 * Whether the parent table is only loosely bound to a tenant: its tenant column is nullable and does not have the usual name. Its rows are
 * then probably persons or rows that belong to no tenant.
 */
export function parentIsLoose(facts: Facts, key: TenantForeignKey): boolean {
  const column = key.parentTable.column
  return column !== undefined && !column.notNull && !facts.tenancy.columnNames.includes(column.name)
}

/**
 * SQL that drops the foreign key and adds it again with the tenant column in front. The SQL can be run twice. The SQL is only a comment if
 * it would change the meaning of the table, or if PostgreSQL would refuse it.
 */
export function compositeForeignKeySql(key: TenantForeignKey): string {
  const { table, parentTable, relation, parent, constraint, references } = key
  const name = qualifiedName(relation)
  if (table.column === undefined || parentTable.column === undefined) {
    const without = table.column === undefined ? relation : parent
    return `-- Add a tenant column to ${qualifiedName(without)}, then a foreign key that pairs it with the other table's.`
  }
  if (isShare(key)) return shareComment(key)
  const own = [table.column, ...key.columns.filter((column) => column !== table.column)]
  const theirs = [
    parentTable.column,
    ...key.columns.flatMap((column, at) => (column === table.column ? [] : (key.parentColumns[at] ?? []))),
  ]
  const list = (columns: readonly Column[]) => columns.map((column) => quoteIdentifier(column.name)).join(', ')
  const rest = own.slice(1)
  if (!sameKind(table.column, parentTable.column))
    return `-- The tenant is ${table.column.type} in ${name} and ${parentTable.column.type} in ${qualifiedName(parent)}: give both one type, then pair it in ${quoteIdentifier(constraint.name)}.`
  const lines: string[] = []
  if (!hasUnique(parent, theirs)) {
    // A unique key of a partitioned table must contain the columns of the partition key.
    if (parent.kind === 'partitioned-table' && !holdsPartitionKey(parent, theirs))
      return `-- ${qualifiedName(parent)} is partitioned: add the columns of ${parent.partitionKey} to ${name} and to a unique key (${list(theirs)}, …), then pair the tenant in ${quoteIdentifier(constraint.name)}.`
    // A foreign key can refer to a unique index as well as to a constraint, and CREATE INDEX IF NOT EXISTS can be run twice.
    const columns = theirs.map((column) => column.name)
    const index = quoteIdentifier(objectName([parent.name, ...columns], '_key'))
    lines.push(`CREATE UNIQUE INDEX IF NOT EXISTS ${index} ON ${qualifiedName(parent)} (${list(theirs)});`)
  }
  const action = (kind: string, does: string) =>
    does === 'no-action'
      ? ''
      : ` ON ${kind} ${does.replace('-', ' ').toUpperCase()}${kind === 'DELETE' && does.startsWith('set-') ? ` (${list(rest)})` : ''}`
  const deferrable = /\bDEFERRABLE( INITIALLY DEFERRED)?/.exec(constraint.definition)?.[0]
  const constraintName = quoteIdentifier(constraint.name)
  lines.push(
    `ALTER TABLE ${name} DROP CONSTRAINT IF EXISTS ${constraintName}, ADD CONSTRAINT ${constraintName} FOREIGN KEY (${list(own)}) REFERENCES ${qualifiedName(parent)} (${list(theirs)})${action('UPDATE', references.onUpdate.startsWith('set-') ? 'no-action' : references.onUpdate)}${action('DELETE', references.onDelete)}${deferrable === undefined ? '' : ` ${deferrable}`};`,
  )
  return lines.join('\n')
}

function hasUnique(relation: Relation, columns: readonly Column[]): boolean {
  const wanted = [...columns.map((column) => column.number)].sort((a, b) => a - b).join()
  return relation.indexes.some(
    (index) =>
      index.unique &&
      index.predicate === undefined &&
      index.expressions === undefined &&
      [...index.columns].sort((a, b) => a - b).join() === wanted,
  )
}

function holdsPartitionKey(relation: Relation, columns: readonly Column[]): boolean {
  const named = /\((.*)\)$/.exec(relation.partitionKey ?? '')?.[1]?.split(',') ?? []
  const names = new Set(columns.flatMap((column) => [column.name, quoteIdentifier(column.name)]))
  return named.length > 0 && named.every((name) => names.has(name.trim()))
}

function sameKind(column: Column, other: Column): boolean {
  const comparable = column.category === other.category && ['N', 'S'].includes(column.category)
  return column.baseTypeOid === other.baseTypeOid || comparable
}

const GIVEN_AWAY =
  /(^|_)(shared?|shares|sharing|granted?|grantee|invited?|invitee|guest|recipient|receiver|partner|viewer)(_|$)|^(to|with|target)_/

/**
 * Whether the table stores shares: the tenant column of a share names the tenant that receives access, and its parent row belongs to the
 * tenant that gives access.
 */
function isShare({ table, relation, parentTable }: TenantForeignKey): boolean {
  if (table.kind !== 'tenant') return false
  const root = relation.constraints.filter(
    (constraint) => constraint.references !== undefined && constraint.columns.includes(table.column.number),
  )[0]?.references?.relation
  const tenants = relation.constraints.filter(
    (constraint) => root !== undefined && constraint.references?.relation === root && constraint.columns.length === 1,
  )
  return GIVEN_AWAY.test(table.column.name) || (tenants.length > 1 && table.column.name !== parentTable.column?.name)
}

function shareComment({ relation, parent, constraint, columns, parentColumns }: TenantForeignKey): string {
  const on = columns
    .map(
      (column, at) =>
        `p.${quoteIdentifier(parentColumns[at]?.name ?? '')} = ${quoteIdentifier(relation.name)}.${quoteIdentifier(column.name)}`,
    )
    .join(' AND ')
  const name = qualifiedName(relation)
  return [
    `-- ${name} shares rows between tenants. With the tenant in ${quoteIdentifier(constraint.name)} no row could be shared. Decide who may insert`,
    `-- into it. Usually it is the tenant that owns the row in ${qualifiedName(parent)}. This policy lets the policies of that table decide:`,
    `-- CREATE POLICY own_rows_only ON ${name} AS RESTRICTIVE FOR INSERT WITH CHECK (EXISTS (SELECT 1 FROM ${qualifiedName(parent)} AS p WHERE ${on}));`,
  ].join('\n')
}
