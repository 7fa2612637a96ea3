import type { Relation } from '../../catalog/model.ts'
import { qualifiedName, quoteIdentifier } from '../../catalog/names.ts'
import type { Facts } from '../../tenancy/facts.ts'
import { ownersReaders } from '../../tenancy/owners-readers.ts'
import { createPolicySql, rowTestSql } from '../../tenancy/policy-sql.ts'
import { chosenSeverity } from '../finding/finding.ts'
import type { Rule } from '../finding/rule.ts'

export const rlsNotForced: Rule = {
  id: 'rls-not-forced',
  group: 'rls',
  ofProtect: 'always',
  title: 'Row-level security does not apply to the owner',
  severity: 'low',
  meaning:
    'The owner skips the policies: its migrations, SECURITY DEFINER functions and views see the rows of all tenants.',
  remedy: 'ALTER TABLE … FORCE ROW LEVEL SECURITY.',
  *run(facts) {
    const becomable = new Set([facts.tenancy.appRole.oid, ...facts.becomable.map((path) => path.role.oid)])
    for (const { relation } of facts.tenancy.tables.values()) {
      if (!relation.rowSecurity || relation.forceRowSecurity) continue
      const owned = becomable.has(relation.owner)
      const owner = facts.roleName(relation.owner)
      yield {
        object: relation.label,
        ...(owned
          ? {
              ...chosenSeverity('critical', 'The application’s role is the owner or can become it.'),
              verbs: ['select', 'insert', 'update', 'delete'] as const,
            }
          : {}),
        message: owned
          ? `Row-level security is not forced on ${relation.label}, and the app is or can become its owner ${owner}: the policies do not apply to it.`
          : `Row-level security is not forced on ${relation.label}: code that runs as its owner ${owner} sees the rows of all tenants.`,
        evidence: [`owner ${owner}`, ...notHeld(facts, relation)],
        fix: forceSql(facts, relation),
      }
    }
  },
}

/**
 * Evidence for an owner that is a superuser or has BYPASSRLS. FORCE changes nothing for such an owner: the finding is about the owner that
 * the table should get.
 */
function notHeld({ catalog }: Facts, { owner }: Relation): readonly string[] {
  const role = catalog.roles.get(owner)
  if (role === undefined || !(role.superuser || role.bypassRls)) return []
  const power = role.superuser ? 'a superuser' : 'a role with BYPASSRLS'
  return [
    `${role.name} is ${power}, and row-level security never applies to such a role, with or without FORCE: FORCE has an effect only after another role owns the table`,
  ]
}

/**
 * SQL with FORCE, and with a policy that shows the owner the rows of the context's tenant. The SQL is only a comment if code of the owner
 * reads the rows of all tenants.
 */
function forceSql(facts: Facts, relation: Relation): string {
  const table = qualifiedName(relation)
  const force = `ALTER TABLE ${table} FORCE ROW LEVEL SECURITY;`
  const owner = facts.catalog.roles.get(relation.owner)
  if (owner === undefined || owner.superuser || owner.bypassRls) return force
  const readers = ownersReaders(facts, relation)
  if (readers.length > 0)
    return `-- ${readers.slice(0, 5).join(', ')} read the table as its owner, so no policy applies. With FORCE they would see only the context's tenant. If that is right for them:\n--   ${force}`
  const test = rowTestSql(facts, relation)
  if (test === undefined || facts.tenancy.context.kind !== 'tenant')
    return `-- With FORCE, its owner ${owner.name} sees only the rows that the policies show. If that is right for its jobs:\n--   ${force}`
  const seesAll = relation.policies.some(
    (policy) =>
      policy.permissive && policy.roles.includes(0) && policy.command === 'all' && isWhole(facts, policy.using),
  )
  if (seesAll) return force
  const rest = `FOR ALL TO ${quoteIdentifier(owner.name)} USING (${test}) WITH CHECK (${test})`
  return `${createPolicySql(relation, 'tenant_owner_policy', rest)}\n${force}`
}

/** Whether an expression tests nothing but the tenant's setting. */
function isWhole({ tenancy }: Facts, using: string | undefined): boolean {
  return using !== undefined && !/\b(and|or|select .* from)\b/i.test(using) && using.includes(tenancy.context.setting)
}
