import type { Column } from '../../catalog/model.ts'
import { showExpression } from '../../sql/show.ts'
import type { Expr } from '../../sql/tree.ts'
import { childrenOf } from '../../sql/walk.ts'
import type { Facts } from '../../tenancy/facts.ts'
import type { Rule } from '../finding/rule.ts'
import { narrowPolicySql } from '../readings/policy-finding.ts'
import { askOnceSql, isWeak, sessionHelper } from '../readings/session-calls.ts'

export const policyPerRow: Rule = {
  id: 'policy-per-row',
  group: 'context',
  title: 'The policy is evaluated for each row',
  severity: 'low',
  meaning:
    'The setting or function is evaluated once for each row, or a cast on the column keeps the index from being used: queries of all tenants get slow.',
  remedy: 'Write tenant_id = (select …), with the cast on the side of the setting.',
  *run(facts) {
    for (const table of facts.tenancy.tables.values()) {
      const { relation } = table
      if (!relation.rowSecurity || relation.isPartition) continue
      for (const policy of relation.policies) {
        const text = policy.using ?? policy.check
        const parsed = policy.using === undefined || text === undefined ? undefined : facts.sql.expression(text)
        if (parsed?.ok !== true) continue
        const found = perRow(facts, parsed.value, table.column)
        if (found === undefined) continue
        yield {
          object: relation.label,
          detail: policy.name,
          message: `Policy ${policy.name} on ${relation.label} ${found.why}.`,
          evidence: [showExpression(found.expr)],
          fix:
            (isWeak(facts, relation, policy)
              ? narrowPolicySql(facts, relation, policy)
              : askOnceSql(facts, relation, policy)) ??
            '-- Cast the setting and not the column, or declare the function STABLE and call it as (select f()).',
        }
      }
    }
  },
}

interface PerRow {
  readonly expr: Expr
  readonly why: string
}

/** The first part outside a subquery that the server evaluates for each row. */
function perRow(facts: Facts, expr: Expr, tenantColumn: Column | undefined): PerRow | undefined {
  if (expr.kind === 'subquery') return undefined
  if (expr.kind === 'call' && expr.name === 'current_setting') return { expr, why: 'reads the setting for each row' }
  if (expr.kind === 'call') {
    const fn = sessionHelper(facts, expr)
    if (fn !== undefined && fn.volatility !== 'immutable')
      return { expr, why: `calls ${fn.name} for each row${fn.volatility === 'volatile' ? ', and it is VOLATILE' : ''}` }
  }
  if (
    expr.kind === 'cast' &&
    tenantColumn !== undefined &&
    isColumn(expr.arg, tenantColumn) &&
    !isRelabel(tenantColumn, expr.type)
  )
    return { expr, why: 'casts the column, so that its index does not serve' }
  for (const child of childrenOf(expr)) {
    const found = perRow(facts, child, tenantColumn)
    if (found !== undefined) return found
  }
  return undefined
}

function isColumn(expr: Expr, column: Column | undefined): boolean {
  return expr.kind === 'column' && expr.name === column?.name
}

/** Whether a cast changes only the type's name (a domain to its base type, varchar to text). An index on the column still serves. */
function isRelabel(column: Column, type: string): boolean {
  const target = type.replace(/^pg_catalog\./, '').replace(/\(.*/, '')
  const plain = ALIASES[target] ?? target
  if (plain === column.baseType || plain === column.type) return true
  return /^(character varying|character|text)$/.test(column.baseType) && /^(text|character varying)$/.test(plain)
}

const ALIASES: Readonly<Record<string, string>> = {
  int2: 'smallint',
  int4: 'integer',
  int8: 'bigint',
  varchar: 'character varying',
  bpchar: 'character',
}
