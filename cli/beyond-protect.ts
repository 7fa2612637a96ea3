import type { Catalog } from '../src/catalog/catalog.ts'
import type { Decision, ProtectPlan } from '../src/protect/change.ts'
import { buildFacts } from '../src/verify/build-facts.ts'
import { draftsOf } from '../src/verify/drafts.ts'
import type { Tenancy } from '../src/verify/facts.ts'
import { atLeast } from '../src/verify/finding.ts'
import { makeProofs } from '../src/verify/prove/proofs.ts'
import { rules } from '../src/verify/rules/list.ts'
import type { SqlReader } from '../src/verify/sql/reader.ts'

/** Rules that speak of what the migration gives each table, or that the plan itself names under TO DECIDE. */
const OF_THE_PLAN = new Set([
  ...['rls-disabled', 'rls-not-forced', 'restrictive-only', 'untenanted-child', 'partition-exposed'],
  ...['inheritance-child-exposed', 'tenant-column-nullable', 'tenant-default-constant', 'tenant-index-missing'],
  ...['grant-truncate', 'grant-trigger', 'grant-references', 'grant-maintain', 'grant-temporary', 'grant-public'],
  ...['grant-tenant-column-update', 'grant-tenant-registry-write', 'tenant-registry-readable', 'policy-unsealed'],
  ...['fk-crosses-tenants', 'fk-cascade-crosses', 'fk-match-simple-null', 'fk-not-enforced', 'setting-forgeable'],
  ...[
    'unique-not-tenant-scoped',
    'exclusion-not-tenant-scoped',
    'table-owned-by-app',
    'role-superuser',
    'role-bypassrls',
  ],
])

/** What `partywall verify` reads from the catalog and no migration of protect mends: roles, code, objects, rights. */
export function beyondProtect(
  catalog: Catalog,
  tenancy: Tenancy,
  sql: SqlReader,
  plan: ProtectPlan,
  seal: boolean,
): readonly Decision[] {
  const facts = buildFacts({ catalog, sql, tenancy, sealed: seal, loginDoubt: undefined, proofs: makeProofs })
  const named = new Set(plan.decisions.map((decision) => decision.object))
  return (
    rules
      // In a schema that is sealed, what is protected without a seal needs one.
      .filter((rule) => !OF_THE_PLAN.has(rule.id) || (rule.id === 'policy-unsealed' && !seal))
      .filter((rule) => rule.group !== 'policy' || rule.id.startsWith('policy-function-'))
      .flatMap((rule) =>
        draftsOf(rule, facts)
          .filter((draft) => atLeast(draft.severity ?? rule.severity, 'medium'))
          // Views and tables without policies that the plan named already.
          .filter((draft) => draft.object.startsWith('role ') || !named.has(draft.object))
          .map(
            (draft): Decision => ({
              object: draft.object,
              reason: `${draft.message} (${rule.id})`,
              sql: draft.fix,
            }),
          ),
      )
  )
}
