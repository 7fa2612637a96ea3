import type { Catalog } from '../../src/catalog/catalog.ts'
import type { Decision, ProtectPlan } from '../../src/protect/change.ts'
import { makeProofs } from '../../src/prove/proofs.ts'
import type { SqlReader } from '../../src/sql/reader.ts'
import { buildFacts } from '../../src/tenancy/build-facts.ts'
import type { Tenancy } from '../../src/tenancy/facts.ts'
import { draftsOf } from '../../src/verify/finding/drafts.ts'
import { atLeast } from '../../src/verify/finding/finding.ts'
import { rules } from '../../src/verify/rules/list.ts'

/**
 * Returns, as decisions, the findings of `partywall verify` that the migration of protect does not fix. They are about roles, code, objects
 * and privileges.
 */
export function beyondProtect(
  catalog: Catalog,
  tenancy: Tenancy,
  sql: SqlReader,
  plan: ProtectPlan,
  seal: boolean,
): readonly Decision[] {
  const facts = buildFacts({ catalog, sql, tenancy, sealed: seal, loginDoubt: undefined, proofs: makeProofs })
  const protectedBefore = new Set(facts.relations.filter(({ rowSecurity }) => rowSecurity).map(({ label }) => label))
  const named = new Set(plan.decisions.map((decision) => decision.object))
  return rules
    .filter(({ ofProtect }) => ofProtect !== 'always' && (ofProtect !== 'sealed' || !seal))
    .flatMap((rule) =>
      draftsOf(rule, facts)
        .filter(({ object }) => rule.ofProtect !== 'unless-protected' || protectedBefore.has(object))
        .filter((draft) =>
          atLeast(draft.severity?.level ?? rule.severity, rule.ofProtect === 'decide' ? 'low' : 'medium'),
        )
        // Leave out objects that the plan already names in a decision.
        .filter((draft) => draft.object.startsWith('role ') || !named.has(draft.object))
        .map(
          (draft): Decision => ({
            object: draft.object,
            reason: `${draft.message} (${rule.id})`,
            sql: draft.fix,
          }),
        ),
    )
}
