import { quoteIdentifier, quoteLiteral } from '../../catalog/names.ts'
import type { Facts } from '../../tenancy/facts.ts'
import type { Mutant, MutantMaker } from './mutant.ts'
import { type ProtectedTable, protectedTables } from './protected-tables.ts'

/** Weakens row-level security and its policies, one clause at a time. */
export const rowSecurityMutants: MutantMaker = function* (facts) {
  for (const table of protectedTables(facts)) {
    const { relation, name } = table
    // If each permissive policy tests the tenant itself, a restrictive policy is a second protection. Dropping it makes no hole.
    const narrow = relation.policies.every(
      (policy) => !policy.permissive || `${policy.using ?? policy.check}`.includes(table.column.name),
    )
    const weaken = (operator: string, sql: string): Mutant => ({ name: operator, object: relation.label, sql })
    yield weaken('disable-rls', `alter table ${name} disable row level security`)
    if (relation.forceRowSecurity) yield weaken('no-force', `alter table ${name} no force row level security`)
    for (const policy of relation.policies) {
      const quoted = quoteIdentifier(policy.name)
      if (!policy.permissive) {
        // A seal policy is an exception: no other policy checks the seal, so dropping it is a hole.
        if (table.restrictive.includes(policy) && (!narrow || policy.using?.includes('partywall.') === true))
          yield weaken('drop-restrictive-policy', `drop policy ${quoted} on ${name}`)
        continue
      }
      // A policy for roles out of reach, such as that of runAcrossTenants(), is no protection against the application's roles.
      const inReach = policy.roles.some((oid) => oid === 0 || facts.acting.some((role) => role.rights.has(oid)))
      if (!inReach) continue
      yield weaken('drop-policy', `drop policy ${quoted} on ${name}`)
      const alter = `${table.withoutRestrictive}alter policy ${quoted} on ${name}`
      if (policy.using !== undefined) yield* weakUsing(table, alter, policy.using, facts.tenancy.context.setting)
      if (policy.command !== 'select' && policy.command !== 'delete' && writesTenant(facts, table)) {
        yield weaken('check-true', `${alter} with check (true)`)
      }
    }
    yield* widerPolicies(table)
  }
}

function* weakUsing(table: ProtectedTable, alter: string, using: string, setting: string): Iterable<Mutant> {
  const raw = `current_setting(${quoteLiteral(setting)}, true)`
  const predicates = {
    'using-true': 'true',
    'using-or-true': `(${using}) or true`,
    'using-column-is-itself': `${table.tenant} = ${table.tenant}`,
    'using-not-null': `${table.tenant} is not null`,
    'using-negated': `not (${using})`,
    'using-open-without-context': `(${using}) or ${raw} is null`,
    'using-open-on-empty-context': `(${using}) or coalesce(${raw}, '') = ''`,
  }
  for (const [name, predicate] of Object.entries(predicates)) {
    yield { name, object: table.relation.label, sql: `${alter} using (${predicate})` }
  }
}

/** Whether a role of the application may write the tenant column, by INSERT or UPDATE. If not, a weaker WITH CHECK is no hole. */
function writesTenant(facts: Facts, { relation, column, verbs }: ProtectedTable): boolean {
  return (
    verbs.includes('insert') ||
    facts.reach(relation, 'UPDATE').some(({ role }) => facts.privileges.onColumn(role.oid, relation, column, 'UPDATE'))
  )
}

function* widerPolicies({ relation, name, withoutRestrictive, role, verbs }: ProtectedTable): Iterable<Mutant> {
  const create = `${withoutRestrictive}create policy partywall_mutant on ${name}`
  const weaken = (operator: string, clause: string): Mutant => {
    return { name: operator, object: relation.label, sql: `${create} ${clause}` }
  }
  yield weaken('permissive-policy-added', 'using (true)')
  yield weaken('permissive-policy-for-role', `to ${quoteIdentifier(role.role.name)} using (true)`)
  if (verbs.includes('select')) yield weaken('permissive-read-added', 'for select using (true)')
  if (verbs.includes('insert')) yield weaken('permissive-insert-added', 'for insert with check (true)')
  if (verbs.includes('update')) yield weaken('permissive-update-added', 'for update using (true) with check (true)')
  if (verbs.includes('delete')) yield weaken('permissive-delete-added', 'for delete using (true)')
}
