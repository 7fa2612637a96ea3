import type { Relation } from '../../catalog/model.ts'
import { qualifiedName, quoteIdentifier } from '../../catalog/names.ts'
import type { ProtectPlan } from '../../protect/change.ts'
import type { Tenancy } from '../../tenancy/facts.ts'
import type { ByHand } from './init-plan.ts'

/**
 * Statements for foreign keys that may be NULL. They are the most frequent reason for a decision: if the key is NULL, no row tells the
 * tenant.
 */
function nullableLinks(relation: Relation, tenancy: Tenancy): readonly string[] {
  const columns = relation.constraints
    .filter(({ kind, references }) => kind === 'foreign-key' && references !== undefined)
    .filter(({ references }) => references !== undefined && tenancy.tables.has(references.relation))
    .flatMap(({ columns }) => relation.columns.filter(({ number, notNull }) => columns.includes(number) && !notNull))
  if (columns.length === 0) return []
  return [
    'If each row has this value, run one of these as a migration of yours, then partywall init --undo, and init again:',
    ...columns.map(
      ({ name }) => `ALTER TABLE ${qualifiedName(relation)} ALTER COLUMN ${quoteIdentifier(name)} SET NOT NULL;`,
    ),
  ]
}

/**
 * Tables with rows of tenants for which the migration has a decision in place of a policy. Until a person decides, every tenant sees all
 * rows of such a table.
 */
export function leftUnprotected(plan: ProtectPlan, tenancy: Tenancy): readonly ByHand[] {
  const statements = new Set(plan.changes.flatMap(({ up }) => up))
  const undecided = new Set(plan.decisions.filter(({ sql }) => sql === undefined).map(({ object }) => object))
  return [...tenancy.tables.values()]
    .map(({ relation }) => relation)
    .filter((relation) => undecided.has(relation.label))
    .filter((relation) => !statements.has(`ALTER TABLE ${qualifiedName(relation)} ENABLE ROW LEVEL SECURITY;`))
    .map((relation) => ({
      path: relation.label,
      why: 'the migration does not protect this table yet: every tenant reaches all of its rows. TO DECIDE in the migration says why',
      lines: nullableLinks(relation, tenancy),
    }))
}
