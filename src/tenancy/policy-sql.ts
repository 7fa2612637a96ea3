import type { Column, Relation } from '../catalog/model.ts'
import { qualifiedName, quoteIdentifier, quoteLiteral } from '../catalog/names.ts'
import type { SessionCall } from './discovery/votes.ts'
import type { ChildLink, Facts } from './facts.ts'

/**
 * The context as SQL of the column's type, fail-closed on NULL and '': what a repaired policy compares with.
 * In a schema whose setting holds a user's or session's key, it is the lookup of that key's tenant.
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

/** What the session says of itself, of the type of a column that holds it: the user's key, or the tenant. */
export function contextKeySql(facts: Facts, column: Column): string {
  const { context } = facts.tenancy
  if (context.call !== undefined) return sessionCallSql(context.call, column)
  const raw = `pg_catalog.current_setting(${quoteLiteral(context.setting)}, true)`
  const path = context.path.map((key, at) => `${at === context.path.length - 1 ? '->>' : '->'} ${quoteLiteral(key)}`)
  const text = path.length === 0 ? `nullif(${raw}, '')` : `nullif(nullif(${raw}, '')::json ${path.join(' ')}, '')`
  return `(select ${text}::${column.type})`
}

/** What the policies themselves ask by, `(select auth.uid())`: a setting inside of it may not be set by anybody. */
function calledSql(facts: Facts, column: Column): string | undefined {
  const { context } = facts.tenancy
  return context.kind === 'tenant' && context.call !== undefined ? sessionCallSql(context.call, column) : undefined
}

function sessionCallSql(call: SessionCall, column: Column): string {
  const cast = call.type === column.type || call.type === column.baseType ? '' : `::${column.type}`
  return `(select ${call.sql}${cast})`
}

/** `tenant_id = (select nullif(current_setting(…), '')::uuid)`, or `IN (…)` where a key has several tenants. */
export function tenantTestSql(facts: Facts, column: Column): string {
  const { context } = facts.tenancy
  const operator = context.kind === 'key' || context.list === true ? 'IN' : '='
  return `${quoteIdentifier(column.name)} ${operator} ${contextSql(facts, column)}`
}

/** A policy FOR ALL with USING and WITH CHECK, as `fix`. */
export function tenantPolicySql(
  facts: Facts,
  relation: Relation,
  column: Column,
  name = 'tenant_isolation_policy',
): string {
  const test = tenantTestSql(facts, column)
  return createPolicySql(relation, name, `FOR ALL USING (${test}) WITH CHECK (${test})`)
}

/** CREATE POLICY as a fix that can be run again. A policy that the table has already keeps its name. */
export function createPolicySql(relation: Relation, wanted: string, rest: string): string {
  const taken = new Set(relation.policies.map((policy) => policy.name))
  let name = wanted
  for (let at = 2; taken.has(name); at += 1) name = `${wanted}_${at}`
  const policy = `${quoteIdentifier(name)} ON ${qualifiedName(relation)}`
  return `DROP POLICY IF EXISTS ${policy};\nCREATE POLICY ${policy} ${rest};`
}

/** The test that a row of this table is of the context's tenant; of a child, through its parent. Undefined: it has no tenant. */
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
