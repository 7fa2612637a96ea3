import type { Column, Relation } from '../catalog/model.ts'
import { qualifiedName, quoteIdentifier, quoteLiteral } from '../catalog/names.ts'
import type { SessionCall } from './discovery/votes.ts'
import type { ChildLink, Facts } from './facts.ts'

/**
 * SQL for the context's tenant in the column's type. A repaired policy compares the column with this SQL. If the setting is missing or '',
 * the value is NULL, so no row passes. If the setting holds the key of a user or session, the SQL is a subquery for the tenants of that
 * key.
 */
export function contextSql(facts: Facts, column: Column): string {
  const { context } = facts.tenancy
  const asked = calledSql(facts, column)
  if (asked !== undefined) return asked
  const raw = `pg_catalog.current_setting(${quoteLiteral(context.setting)}, true)`
  if (context.kind === 'tenant' && context.list === true) {
    const keys = context.path.map((key) => `-> ${quoteLiteral(key)}`).join(' ')
    return `(select pg_catalog.jsonb_array_elements_text(nullif(${raw}, '')::jsonb ${keys})::${column.type})`
  }
  const path = context.path.map((key, at) => `${at === context.path.length - 1 ? '->>' : '->'} ${quoteLiteral(key)}`)
  const text = path.length === 0 ? `nullif(${raw}, '')` : `nullif(nullif(${raw}, '')::json ${path.join(' ')}, '')`
  if (context.kind === 'key' && context.tenantColumn !== undefined) {
    const key = quoteIdentifier(context.keyColumn.name)
    return `(select ${quoteIdentifier(context.tenantColumn.name)} from ${qualifiedName(context.table)} where ${key} = ${contextKeySql(facts, context.keyColumn)})`
  }
  return `(select ${text}::${column.type})`
}

/** SQL for the value of the session's setting (the tenant, or the user's key), cast to the column's type. */
export function contextKeySql(facts: Facts, column: Column): string {
  const { context } = facts.tenancy
  if (context.call !== undefined) return sessionCallSql(context.call, column)
  const raw = `pg_catalog.current_setting(${quoteLiteral(context.setting)}, true)`
  const path = context.path.map((key, at) => `${at === context.path.length - 1 ? '->>' : '->'} ${quoteLiteral(key)}`)
  const text = path.length === 0 ? `nullif(${raw}, '')` : `nullif(nullif(${raw}, '')::json ${path.join(' ')}, '')`
  return `(select ${text}::${column.type})`
}

/**
 * SQL of the call that the policies use, such as `(select auth.uid())`. It is not certain that sessions set the setting that discovery
 * found inside the function, so a fix must call the function.
 */
function calledSql(facts: Facts, column: Column): string | undefined {
  const { context } = facts.tenancy
  return context.kind === 'tenant' && context.call !== undefined ? sessionCallSql(context.call, column) : undefined
}

function sessionCallSql(call: SessionCall, column: Column): string {
  const cast = call.type === column.type || call.type === column.baseType ? '' : `::${column.type}`
  return `(select ${call.sql}${cast})`
}

/** `tenant_id = (select nullif(current_setting(…), '')::uuid)`, or `IN (…)` if a key has several tenants. */
export function tenantTestSql(facts: Facts, column: Column): string {
  const { context } = facts.tenancy
  const operator = context.kind === 'key' || context.list === true ? 'IN' : '='
  return `${quoteIdentifier(column.name)} ${operator} ${contextSql(facts, column)}`
}

/** CREATE POLICY … FOR ALL with the tenant test in USING and WITH CHECK, for a `fix`. */
export function tenantPolicySql(
  facts: Facts,
  relation: Relation,
  column: Column,
  name = 'tenant_isolation_policy',
): string {
  const test = tenantTestSql(facts, column)
  return createPolicySql(relation, name, `FOR ALL USING (${test}) WITH CHECK (${test})`)
}

/** Returns CREATE POLICY as a fix that can be run twice, under a name that no existing policy of the table has. */
export function createPolicySql(relation: Relation, wanted: string, rest: string): string {
  const taken = new Set(relation.policies.map((policy) => policy.name))
  let name = wanted
  for (let at = 2; taken.has(name); at += 1) name = `${wanted}_${at}`
  const policy = `${quoteIdentifier(name)} ON ${qualifiedName(relation)}`
  return `DROP POLICY IF EXISTS ${policy};\nCREATE POLICY ${policy} ${rest};`
}

/** SQL that tests whether a row belongs to the context's tenant; for a child table, through its parent. Undefined without a tenant. */
export function rowTestSql(facts: Facts, relation: Relation): string | undefined {
  const table = facts.tenantTable(relation)
  if (table === undefined) return undefined
  if (table.kind !== 'child') return tenantTestSql(facts, table.column)
  const link = table.parents[0]
  return link === undefined ? undefined : parentTest(facts, link, quoteIdentifier(relation.name), 0)
}

function parentTest(facts: Facts, link: ChildLink, child: string, depth: number): string | undefined {
  const parent = facts.tenantTable(link.parent)
  if (parent === undefined || depth > 8) return undefined
  const alias = `parent_${depth + 1}`
  const join = link.columns.map(
    (column, at) => `${alias}.${quoteIdentifier(link.parentColumns[at] ?? '')} = ${child}.${quoteIdentifier(column)}`,
  )
  const above = parent.kind === 'child' ? parent.parents[0] : undefined
  const test =
    parent.kind === 'child'
      ? above === undefined
        ? undefined
        : parentTest(facts, above, alias, depth + 1)
      : `${alias}.${tenantTestSql(facts, parent.column)}`
  if (test === undefined) return undefined
  return `EXISTS (SELECT 1 FROM ${qualifiedName(link.parent)} AS ${alias} WHERE ${join.join(' AND ')} AND ${test})`
}
