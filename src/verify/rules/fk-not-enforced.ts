import { qualifiedName, quoteIdentifier } from '../../catalog/names.ts'
import type { Rule } from '../finding/rule.ts'

export const fkNotEnforced: Rule = {
  id: 'fk-not-enforced',
  group: 'key',
  ofProtect: 'always',
  title: 'A foreign key is not checked for all rows',
  severity: 'low',
  meaning:
    "Rows that are older than a NOT VALID key, and all rows under a NOT ENFORCED key, may refer to nothing or to another tenant's row.",
  remedy: 'Run VALIDATE CONSTRAINT, or ALTER CONSTRAINT … ENFORCED.',
  *run(facts) {
    for (const { relation } of facts.tenancy.tables.values()) {
      for (const constraint of relation.constraints) {
        if (constraint.references === undefined || constraint.parent !== 0 || relation.isPartition) continue
        if (constraint.validated && constraint.enforced) continue
        const name = quoteIdentifier(constraint.name)
        yield {
          object: relation.label,
          detail: constraint.name,
          message: constraint.enforced
            ? `Foreign key ${constraint.name} of ${relation.label} is NOT VALID: older rows may refer to nothing, or to another tenant's row.`
            : `Foreign key ${constraint.name} of ${relation.label} is NOT ENFORCED: nothing checks it.`,
          evidence: [constraint.definition],
          fix: constraint.enforced
            ? `ALTER TABLE ${qualifiedName(relation)} VALIDATE CONSTRAINT ${name};`
            : `ALTER TABLE ${qualifiedName(relation)} ALTER CONSTRAINT ${name} ENFORCED;`,
        }
      }
    }
  },
}
