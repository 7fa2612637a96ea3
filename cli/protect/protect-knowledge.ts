import { PUBLIC_OID, type Relation } from '../../src/catalog/model.ts'
import { VERBS } from '../../src/catalog/verbs.ts'
import type { Knowledge } from '../../src/protect/knowledge.ts'
import { same } from '../../src/tenancy/discovery/choose-context.ts'
import type { ContextSource, Facts } from '../../src/tenancy/facts.ts'
import { ownersReaders } from '../../src/tenancy/owners-readers.ts'

/** Weaknesses of policies that show some rows to all tenants, perhaps on purpose. */
const SHARED: ReadonlySet<string> = new Set(['null-tenant', 'column-opt-out'])

/**
 * Returns the facts about the schema that protect needs from verify's discovery and prover.
 *
 * @param chosen whether the user named the setting
 */
export function knowledgeOf(facts: Facts, chosen: boolean): Knowledge {
  const { tenancy } = facts
  const { context, bindings } = tenancy
  const roles = facts.acting.filter((role) => !role.bypasses)
  const proofs = (relation: Relation) =>
    roles.flatMap((role) => VERBS.map((verb) => facts.proofs.of(relation, verb, role)))
  const bound = bindings.filter(({ use }) => context.kind === 'tenant' && same(use, context))
  return {
    exempt: tenancy.excluded,
    sessionCall: chosen ? undefined : otherQuestion(facts, bound.length > 0),
    contextTypes: new Set(chosen ? [] : bound.flatMap(({ columns }) => columns.map(({ column }) => column.baseType))),
    isProved: (relation) => proofs(relation).every(({ status }) => status === 'proved' || status === 'dark'),
    sharesRows: (relation) =>
      proofs(relation).some(
        (proof) =>
          (proof.status === 'open' || proof.status === 'unproved') &&
          proof.weaknesses.some((weakness) => SHARED.has(weakness.kind)),
      ) || readByAll(facts, relation),
    readAsOwner: (relation) => ownersReaders(facts, relation),
  }
}

/**
 * If new policies will read something else from the session than the existing ones, returns what the existing ones read, such as a list of
 * tenants. Otherwise undefined.
 */
function otherQuestion({ tenancy }: Facts, isBound: boolean): string | undefined {
  const { context, bindings } = tenancy
  if (context.kind === 'key') return `${describe(context)}, a key of ${context.table.label}`
  if (context.list === true) return `${describe(context)}, a list of tenants`
  if (isBound || bindings.length === 0) return undefined
  return bindings.map(({ use }) => `the setting ${use.setting}`).join(' and ')
}

function describe({ call, setting }: ContextSource): string {
  return call?.sql ?? `the setting ${setting}`
}

/**
 * Whether a policy FOR SELECT USING (true) opens reads to the application, as for a price list. Such a policy is taken as intended. Policies
 * for other roles, such as an entry login, say nothing about what tenants see. Without row-level security, no policy has an effect.
 */
function readByAll(facts: Facts, { policies, rowSecurity }: Relation): boolean {
  const applies = (roles: readonly number[]) =>
    roles.includes(PUBLIC_OID) ||
    facts.acting.some(({ rights, bypasses }) => !bypasses && roles.some((oid) => rights.has(oid)))
  return (
    rowSecurity &&
    policies.some(
      ({ permissive, command, using, roles }) =>
        permissive && command === 'select' && /^\(*true\)*$/i.test(using ?? '') && applies(roles),
    )
  )
}
