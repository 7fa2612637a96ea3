import type { Relation } from '../../catalog/model.ts'
import { blindKeysOf, type FoundKey, labelsOf, largestTenant } from '../../tenancy/blind-keys.ts'
import type { Facts } from '../../tenancy/facts.ts'
import { indexCure, leadingColumns } from '../../tenancy/index-cures.ts'
import { chosenSeverity } from '../finding/finding.ts'
import type { Rule } from '../finding/rule.ts'
import { cureSql } from '../readings/cure-sql.ts'
import { hasSearchFunction } from '../readings/search-functions.ts'

export const policyBlindsIndex: Rule = {
  id: 'policy-blinds-index',
  group: 'context',
  title: 'Row-level security keeps PostgreSQL from using an index',
  severity: 'low',
  meaning:
    'The operators of the index are not leakproof, so PostgreSQL evaluates the policy first: each such query reads all rows of its tenant.',
  remedy: 'Use a partial index, a generated column of another type, or a search function.',
  *run(facts) {
    for (const table of facts.tenancy.tables.values()) {
      const { relation } = table
      if (table.kind === 'root' || !isReadUnderPolicies(facts, relation)) continue
      const blind = blindKeysOf(facts.catalog, relation, table.column?.number).filter(
        ({ index, key }) => index.method === 'btree' || !hasSearchFunction(facts, relation, key),
      )
      if (blind.length === 0) continue
      const largest = largestTenant(relation, table.column?.number)
      const all =
        largest === undefined
          ? 'all rows of its tenant'
          : `all rows of its tenant (about ${largest} for the largest tenant)`
      const cures = blind.map(({ index, key }) => {
        const cure = indexCure(relation, leadingColumns(table), index, key, labelsOf(facts.catalog, relation, key))
        return cureSql(relation, index, key, cure)
      })
      yield {
        object: relation.label,
        // An index of a constraint still enforces the constraint.
        ...(blind.every(({ constraint }) => constraint)
          ? chosenSeverity('info', 'Each of these indexes belongs to a constraint, and still serves the constraint.')
          : {}),
        message: `Conditions of a tenant's query on ${listOf(blind.map(({ key }) => key.key))} can't use an index of ${relation.label}: their operators are not leakproof, and the policy is evaluated first. Such a query reads ${all}.`,
        evidence: blind.map(describe),
        fix: cures.join('\n'),
      }
    }
  },
}

function isReadUnderPolicies(facts: Facts, relation: Relation): boolean {
  return (['SELECT', 'UPDATE', 'DELETE'] as const).some((privilege) =>
    facts.reach(relation, privilege).some((role) => facts.protectedFor(relation, role)),
  )
}

function describe({ index, key, constraint }: FoundKey): string {
  const why = key.functions.length > 0 ? listOf(key.functions) : `the operators of ${key.type}`
  const rest = constraint
    ? 'the constraint is enforced all the same'
    : index.method === 'btree'
      ? 'ORDER BY, min(), max() and GROUP BY still use it'
      : /(?:gin|gist)_trgm_ops/.test(index.definition)
        ? 'only conditions with the operator = use it'
        : 'nothing uses it'
  return `${index.name} (${index.method}): not used for conditions on ${key.key}, because ${why} ${key.functions.length > 1 || key.functions.length === 0 ? 'are' : 'is'} not leakproof; ${rest}`
}

function listOf(items: readonly string[]): string {
  return [...new Set(items)].join(', ')
}
