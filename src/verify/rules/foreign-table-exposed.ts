import { qualifiedName } from '../../catalog/names.ts'
import { verbsInReach } from '../../tenancy/reach.ts'
import type { Rule } from '../finding/rule.ts'
import { revokeList } from '../readings/grantees.ts'

export const foreignTableExposed: Rule = {
  id: 'foreign-table-exposed',
  group: 'rls',
  title: 'A foreign table of tenant data can be used',
  severity: 'high',
  meaning: 'Foreign tables have no row-level security, and the remote session runs as another role without a tenant.',
  remedy: 'Revoke the grants, or read the table through a function that adds the tenant test.',
  *run(facts) {
    for (const relation of facts.relations) {
      if (relation.kind !== 'foreign-table' || facts.tenantTable(relation) === undefined) continue
      const verbs = verbsInReach(facts, relation)
      if (verbs.length === 0) continue
      const roles = facts.acting.map((role) => role.role.name)
      const server = facts.catalog.foreignServers.find((candidate) => candidate.oid === relation.foreignServer)
      yield {
        object: relation.label,
        message: `${relation.label} is a foreign table and has no row-level security: any tenant can ${verbs.join(', ')} the rows of all tenants.`,
        evidence: [`server ${server?.name ?? 'unknown'} (${server?.wrapper ?? 'unknown'})`],
        verbs,
        fix: `REVOKE ALL ON ${qualifiedName(relation)} FROM ${revokeList(facts, relation, roles)};`,
      }
    }
  },
}
