import type { Relation } from '../../catalog/model.ts'
import { qualifiedName, quoteIdentifier } from '../../catalog/names.ts'
import { viewOrFunctionThatWrites } from '../../prove/writers.ts'
import type { Facts } from '../../tenancy/facts.ts'
import type { Rule } from '../finding/rule.ts'
import { unheldQueries } from '../readings/definer-code.ts'
import { reachedThrough } from '../readings/through-parents.ts'

export const checkFunctionCrosses: Rule = {
  id: 'check-function-crosses',
  group: 'code',
  title: 'A constraint looks at the rows of all tenants',
  severity: 'medium',
  meaning:
    'A constraint calls a SECURITY DEFINER function without a tenant test, so the answer to an INSERT tells whether another tenant has such a row.',
  remedy: "Compare the tenant with the session's tenant inside the function.",
  *run(facts) {
    for (const { relation } of facts.tenancy.tables.values()) {
      if (!isWritten(facts, relation)) continue
      for (const constraint of relation.constraints) {
        if (constraint.kind !== 'check' && constraint.kind !== 'exclusion') continue
        for (const oid of constraint.functions) {
          const fn = facts.catalog.functions.get(oid)
          if (fn === undefined || !fn.securityDefiner) continue
          const open = unheldQueries(facts, fn).filter(({ filtered }) => !filtered)
          if (open.length === 0) continue
          yield {
            object: relation.label,
            detail: constraint.name,
            message: `Constraint ${constraint.name} of ${relation.label} calls ${fn.label}, which reads the rows of all tenants in ${[...new Set(open.map((each) => each.relation.label))].join(', ')}.`,
            evidence: [`${fn.label} runs as ${facts.roleName(fn.owner)}`],
            fix: `ALTER TABLE ${qualifiedName(relation)} DROP CONSTRAINT IF EXISTS ${quoteIdentifier(constraint.name)};\n-- and add it again with a function that compares the tenant with the session's tenant.`,
          }
        }
      }
    }
  },
}

/**
 * Whether rows of the table can be written by the application, or by a view or function with its owner's rights. A constraint is only
 * evaluated for new rows.
 */
function isWritten(facts: Facts, relation: Relation): boolean {
  if (reachedThrough(facts, relation, 'INSERT') || reachedThrough(facts, relation, 'UPDATE')) return true
  // Treat the owner's policies as open: the constraint is evaluated for each row that is written, whatever these policies allow.
  return viewOrFunctionThatWrites(facts, relation, () => ({ status: 'open', weaknesses: [] })) !== undefined
}
