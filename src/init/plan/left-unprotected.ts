import { qualifiedName } from '../../catalog/names.ts'
import type { ProtectPlan } from '../../protect/change.ts'
import type { Tenancy } from '../../tenancy/facts.ts'
import type { ByHand } from './init-plan.ts'

/** Tables with rows of tenants for which the migration has a decision in place of a policy. Every tenant sees all of their rows until then. */
export function leftUnprotected(plan: ProtectPlan, tenancy: Tenancy): readonly ByHand[] {
  const statements = new Set(plan.changes.flatMap(({ up }) => up))
  const undecided = new Set(plan.decisions.filter(({ sql }) => sql === undefined).map(({ object }) => object))
  return [...tenancy.tables.values()]
    .map(({ relation }) => relation)
    .filter((relation) => undecided.has(relation.label))
    .filter((relation) => !statements.has(`ALTER TABLE ${qualifiedName(relation)} ENABLE ROW LEVEL SECURITY;`))
    .map(({ label }) => ({
      path: label,
      why: 'the migration does not protect this table yet: every tenant reaches all of its rows. TO DECIDE in the migration says why',
      lines: [],
    }))
}
