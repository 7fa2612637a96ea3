import type { BlindKey, Index, Relation } from '../../catalog/model.ts'
import type { Facts, TenantTable } from '../../tenancy/facts.ts'
import { indexCure } from '../../tenancy/index-cures.ts'
import type { Rule } from '../finding/rule.ts'
import { cureSql } from '../readings/cure-sql.ts'
import { isCured } from '../readings/cured-keys.ts'

/** Reading all rows of a tenant costs less than a millisecond below these numbers. */
const FEW_ROWS = 10_000
const FEW_ROWS_OF_A_TENANT = 5_000

export const policyBlindsIndex: Rule = {
  id: 'policy-blinds-index',
  group: 'context',
  ofProtect: 'decide',
  title: 'Row-level security keeps PostgreSQL from using an index',
  severity: 'low',
  meaning:
    'The operators of the index are not leakproof, so PostgreSQL evaluates the policy first: each such query reads all rows of its tenant.',
  remedy: 'Use a partial index, a generated column of another type, or a search function.',
  *run(facts) {
    for (const table of facts.tenancy.tables.values()) {
      const { relation } = table
      if (table.kind === 'root' || isSmall(table) || !isReadUnderPolicies(facts, relation)) continue
      const blind = relation.indexes.flatMap((index) =>
        index.blindKeys
          // PostgreSQL evaluates the policy's own comparison of the tenant column by the index.
          .filter((key) => key.column !== table.column?.number && !isCured(facts, relation, index, key))
          .map((key) => ({ index, key, constraint: isConstraint(index, key) })),
      )
      if (blind.length === 0) continue
      const largest = largestTenant(table)
      const all =
        largest === undefined ? 'all rows of its tenant' : `all rows of its tenant, of the largest about ${largest}`
      yield {
        object: relation.label,
        // The index of a constraint still does what it is for.
        ...(blind.every(({ constraint }) => constraint) ? { severity: 'info' as const } : {}),
        message: `Conditions of a tenant's query on ${listOf(blind.map(({ key }) => key.key))} can't use an index of ${relation.label}: their operators are not leakproof, and the policy is evaluated first. Such a query reads ${all}.`,
        evidence: blind.map(({ index, key, constraint }) => describe(index, key, constraint)),
        fix: blind
          .map(({ index, key }) =>
            cureSql(relation, index, key, indexCure(table, index, key, labelsOf(facts, relation, key))),
          )
          .join('\n'),
      }
    }
  },
}

/** Whether the size of the table is known, and reading all rows of a tenant is cheap. */
function isSmall(table: TenantTable): boolean {
  const { estimatedRows } = table.relation
  if (estimatedRows === 0) return false
  const largest = largestTenant(table)
  return estimatedRows < FEW_ROWS || (largest !== undefined && largest < FEW_ROWS_OF_A_TENANT)
}

function largestTenant({ relation, column }: TenantTable): number | undefined {
  const share = column === undefined ? undefined : relation.largestShares.get(column.number)
  return share === undefined ? undefined : Math.round(share * relation.estimatedRows)
}

function isReadUnderPolicies(facts: Facts, relation: Relation): boolean {
  return (['SELECT', 'UPDATE', 'DELETE'] as const).some((privilege) =>
    facts.reach(relation, privilege).some((role) => facts.protectedFor(relation, role)),
  )
}

/** A unique index on an expression is no constraint here: it is how a login looks up `lower(email)`. */
function isConstraint(index: Index, key: BlindKey): boolean {
  return index.primary || index.exclusion || (index.unique && key.column !== 0)
}

function describe(index: Index, key: BlindKey, constraint: boolean): string {
  const why = key.functions.length > 0 ? listOf(key.functions) : `the operators of ${key.type}`
  const rest = constraint
    ? 'the constraint is enforced all the same'
    : index.method === 'btree'
      ? 'ORDER BY, min(), max() and GROUP BY still use it'
      : 'nothing uses it'
  return `${index.name} (${index.method}): not used for conditions on ${key.key}, because ${why} ${key.functions.length > 1 || key.functions.length === 0 ? 'are' : 'is'} not leakproof; ${rest}`
}

function labelsOf(facts: Facts, relation: Relation, key: BlindKey): readonly string[] {
  const column = relation.columns.find(({ number }) => number === key.column)
  return column === undefined ? [] : (facts.catalog.types.get(column.baseTypeOid)?.enumLabels ?? [])
}

function listOf(items: readonly string[]): string {
  return [...new Set(items)].join(', ')
}
