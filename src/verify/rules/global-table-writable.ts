import type { Policy, Relation } from '../../catalog/model.ts'
import { qualifiedName, quoteIdentifier } from '../../catalog/names.ts'
import type { Verb } from '../../catalog/verbs.ts'
import { appliesTo, covers } from '../../prove/effective.ts'
import { isTable } from '../../tenancy/discovery/tenant-root.ts'
import type { ActingRole, Facts } from '../../tenancy/facts.ts'
import { safeOwner } from '../../tenancy/owners.ts'
import { privilegeOf } from '../../tenancy/reach.ts'
import type { Rule } from '../finding/rule.ts'
import { granteeList, relationGrantees } from '../readings/grantees.ts'
import { saysNothing } from '../readings/says-nothing.ts'
import { copiedFrom } from '../readings/shadow-copies.ts'
import { passesTo } from '../report/unwalled.ts'

export const globalTableWritable: Rule = {
  id: 'global-table-writable',
  group: 'grant',
  title: 'A table that all tenants share can be written by each',
  severity: 'medium',
  meaning: 'One tenant changes prices, templates, settings or feature flags for all tenants.',
  remedy: 'Leave the application SELECT only, or give the table a tenant column.',
  *run(facts) {
    for (const relation of facts.relations) {
      if (!isTable(relation) || relation.isPartition || facts.tenantTable(relation) !== undefined) continue
      if (copiedFrom(facts, relation) !== undefined) continue
      const verbs = writable(facts, relation)
      if (verbs.length === 0) continue
      const grantees = [...new Set(verbs.flatMap((verb) => relationGrantees(facts, relation, privilegeOf(verb))))]
      const owned = facts.acting.some((role) => !role.bypasses && role.rights.has(relation.owner))
      if (grantees.length === 0 && !owned) continue
      const list = verbs.map(privilegeOf).join(', ')
      yield {
        object: relation.label,
        message: `${relation.label} belongs to no tenant and the app may ${list} it: a change by one tenant applies to all tenants.`,
        evidence: [
          ...(grantees.length > 0 ? [`granted to ${granteeList(facts, grantees)}: ${list}`] : []),
          ...(owned ? [`owned by ${facts.roleName(relation.owner)}`] : []),
        ],
        fix: [
          ...(owned ? [`ALTER TABLE ${qualifiedName(relation)} OWNER TO ${quoteIdentifier(safeOwner(facts))};`] : []),
          ...(grantees.length > 0
            ? [`REVOKE ${list} ON ${qualifiedName(relation)} FROM ${granteeList(facts, grantees)};`]
            : []),
        ].join('\n'),
      }
    }
  },
}

/** Verbs by which a role changes rows that other tenants read. Empty if the application can only INSERT and can't read the table. */
function writable(facts: Facts, relation: Relation): readonly Verb[] {
  const verbs = (['insert', 'update', 'delete'] as const).filter((verb) =>
    facts.reach(relation, privilegeOf(verb)).some((role) => !held(facts, relation, verb, role)),
  )
  const readable = facts.reach(relation, 'SELECT').length > 0
  return verbs.some((verb) => verb !== 'insert') || readable ? verbs : []
}

/** Whether policies restrict the verb for the role. A policy that is true for every row, or asks nothing of the session, restricts no tenant. */
function held(facts: Facts, relation: Relation, verb: Verb, role: ActingRole): boolean {
  if (!facts.protectedFor(relation, role)) return false
  if (passesTo(facts, relation, verb, role, 'everybody') !== undefined) return false
  const inForce = relation.policies.filter((policy) => covers(policy.command, verb) && appliesTo(policy, role))
  const idle = (text: string | undefined) => saysNothing(facts, relation, text)
  const restricts = (policy: Policy) => {
    const check = !idle(policy.check ?? policy.using)
    return verb === 'insert' ? check : !idle(policy.using) || (verb === 'update' && check)
  }
  if (inForce.some((policy) => !policy.permissive && restricts(policy))) return true
  return !inForce.some(
    (policy) => policy.permissive && idle(verb === 'insert' ? (policy.check ?? policy.using) : policy.using),
  )
}
