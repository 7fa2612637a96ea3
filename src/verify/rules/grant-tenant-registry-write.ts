import { qualifiedName } from '../../catalog/names.ts'
import { VERBS } from '../../catalog/verbs.ts'
import { privilegeOf } from '../../tenancy/reach.ts'
import { chosenSeverity } from '../finding/finding.ts'
import type { Rule } from '../finding/rule.ts'
import { granteeList, relationGrantees } from '../readings/grantees.ts'

export const grantTenantRegistryWrite: Rule = {
  id: 'grant-tenant-registry-write',
  group: 'grant',
  ofProtect: 'always',
  title: 'The application may write the table of tenants',
  severity: 'high',
  meaning: 'One tenant changes the plan, the limits, the status or the name of another.',
  remedy: "Leave the application SELECT only, with a policy that compares the key with the session's tenant.",
  *run(facts) {
    const root = facts.tenancy.root?.relation
    if (root === undefined) return
    const verbs = VERBS.filter(
      (verb) =>
        verb !== 'select' &&
        facts.reach(root, privilegeOf(verb)).some((role) => !facts.protectedFor(root, role) || openFor(verb, role)),
    )
    function openFor(verb: (typeof VERBS)[number], role: Parameters<typeof facts.proofs.of>[2]): boolean {
      return root !== undefined && facts.proofs.of(root, verb, role).status === 'open'
    }
    const first = verbs[0]
    if (first === undefined) return
    const grantees = [...new Set(verbs.flatMap((verb) => relationGrantees(facts, root, privilegeOf(verb))))]
    // No grant gives the privilege, so the application owns the table. Another rule reports that.
    if (grantees.length === 0) return
    const list = verbs.map((verb) => privilegeOf(verb)).join(', ')
    yield {
      object: root.label,
      // A sign-up needs INSERT. INSERT alone adds a tenant and changes no other tenant.
      ...(verbs.length === 1 && first === 'insert'
        ? chosenSeverity('medium', 'INSERT alone adds a tenant, and changes no row of another one.')
        : {}),
      message: `The app may ${list} ${root.label} and no policy limits it to its own row: one tenant changes the rows of others.`,
      evidence: [`granted to ${granteeList(facts, grantees)}: ${list}`],
      verbs,
      fix: `REVOKE ${list} ON ${qualifiedName(root)} FROM ${granteeList(facts, grantees)};`,
    }
  },
}
