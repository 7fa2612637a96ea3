import { qualifiedName, quoteIdentifier } from '../../catalog/names.ts'
import type { Facts } from '../../tenancy/facts.ts'
import type { Mutant, MutantMaker } from './mutant.ts'
import { type ProtectedTable, protectedTables } from './protected-tables.ts'

/** Weakens columns, keys and triggers on which isolation depends. */
export const keyMutants: MutantMaker = function* (facts) {
  for (const table of protectedTables(facts)) {
    const { relation, name, tenant, column } = table
    const weaken = (operator: string, sql: string): Mutant => ({ name: operator, object: relation.label, sql })
    if (column.notNull && facts.tenantTable(relation)?.kind === 'tenant' && !inPrimaryKey(table)) {
      yield weaken('tenant-nullable', `alter table ${name} alter column ${tenant} drop not null`)
    }
    for (const trigger of relation.triggers) {
      // Weaken only triggers whose function mentions the tenant column. Other triggers do not isolate tenants.
      const words = facts.catalog.functions.get(trigger.function)?.source.split(/\W+/) ?? []
      if (!words.includes(column.name)) continue
      yield weaken('trigger-disabled', `alter table ${name} disable trigger ${quoteIdentifier(trigger.name)}`)
    }
    yield* singleColumnForeignKeys(facts, table)
    yield* globalUniques(facts, table)
  }
}

function inPrimaryKey({ relation, column }: ProtectedTable): boolean {
  return relation.constraints.some((each) => each.kind === 'primary-key' && each.columns.includes(column.number))
}

/** Replaces a foreign key (tenant, id) by one without the tenant. */
function* singleColumnForeignKeys(facts: Facts, { relation, name, column }: ProtectedTable): Iterable<Mutant> {
  for (const constraint of relation.constraints) {
    const target = constraint.references
    const parent = target === undefined ? undefined : facts.relationOf(target.relation)
    if (target === undefined || parent === undefined || constraint.columns.length < 2) continue
    const pairs = constraint.columns.map((number, at) => ({ number, other: target.columns[at] ?? 0 }))
    const rest = pairs.filter(({ number }) => number !== column.number)
    if (rest.length === pairs.length || rest.length === 0) continue
    const list = (numbers: readonly number[], of: typeof relation) =>
      numbers.map((number) => quoteIdentifier(facts.columnNumbered(of, number)?.name ?? '')).join(', ')
    const parentColumns = list(
      rest.map(({ other }) => other),
      parent,
    )
    const sql = [
      `alter table ${name} drop constraint ${quoteIdentifier(constraint.name)}`,
      `alter table ${qualifiedName(parent)} add unique (${parentColumns})`,
      `alter table ${name} add foreign key (${list(
        rest.map(({ number }) => number),
        relation,
      )}) references ${qualifiedName(parent)} (${parentColumns})`,
    ].join('; ')
    yield { name: 'foreign-key-without-tenant', object: relation.label, sql }
  }
}

/** Adds a unique key over all tenants beside one that is unique per tenant. */
function* globalUniques(facts: Facts, { relation, name, column, verbs }: ProtectedTable): Iterable<Mutant> {
  for (const constraint of relation.constraints) {
    if (constraint.kind !== 'unique' || !constraint.columns.includes(column.number)) continue
    const rest = relation.columns.filter(
      (each) => each.number !== column.number && constraint.columns.includes(each.number),
    )
    // There is a hole only if a role in reach (docs/glossary.md) may choose values of the key.
    const chosen =
      verbs.includes('insert') ||
      facts
        .reach(relation, 'UPDATE')
        .some(({ role }) => rest.some((each) => facts.privileges.onColumn(role.oid, relation, each, 'UPDATE')))
    // A key with a random UUID can't be guessed, so it is left out.
    if (rest.length === 0 || !chosen || rest.some((each) => each.baseType === 'uuid')) continue
    const columns = rest.map((each) => quoteIdentifier(each.name)).join(', ')
    yield {
      name: 'unique-over-all-tenants',
      object: relation.label,
      sql: `alter table ${name} add unique (${columns})`,
    }
  }
}

/** Adds other ways to the same rows: views, copies and functions to which the table's policies do not apply. */
export const bypassMutants: MutantMaker = function* (facts) {
  for (const { relation, name, role } of protectedTables(facts)) {
    const to = quoteIdentifier(role.role.name)
    const schema = quoteIdentifier(relation.schema)
    const extra = `${schema}.partywall_mutant`
    const weaken = (operator: string, sql: string): Mutant => ({ name: operator, object: relation.label, sql })
    yield weaken('definer-view', `create view ${extra} as select * from ${name}; grant select on ${extra} to ${to}`)
    yield weaken(
      'materialized-view',
      `create materialized view ${extra} as select * from ${name}; grant select on ${extra} to ${to}`,
    )
    yield weaken(
      'copy-without-rls',
      `create table ${extra} (like ${name} including all); grant select, insert on ${extra} to ${to}`,
    )
    yield weaken(
      'definer-function',
      `create function ${extra}() returns setof ${name} language sql stable security definer set search_path = pg_catalog, pg_temp as 'select * from ${name.replaceAll("'", "''")}'; grant execute on function ${extra}() to ${to}`,
    )
  }
  for (const view of facts.relations) {
    if (view.kind !== 'view' || view.options.get('security_invoker') !== 'true') continue
    if (facts.reach(view, 'SELECT').length === 0) continue
    const sql = `alter view ${qualifiedName(view)} set (security_invoker = false)`
    yield { name: 'security-invoker-off', object: view.label, sql }
  }
}
