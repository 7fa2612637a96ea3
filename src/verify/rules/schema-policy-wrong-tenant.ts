import type { Rule } from '../finding/rule.ts'
import { installFix } from '../readings/fleet-fixes.ts'
import { judgeTable, rolesOn } from '../readings/fleet-tables.ts'

export const schemaPolicyWrongTenant: Rule = {
  id: 'schema-policy-wrong-tenant',
  group: 'policy',
  title: 'A policy in a tenant’s schema names another tenant',
  severity: 'critical',
  meaning: 'The other tenant reads and writes the rows, and the schema’s own tenant does not see them.',
  remedy: 'Write the policies of each schema with the id of its own tenant: partywall.install_schema() does.',
  *run(facts) {
    const { fleet } = facts
    if (fleet === undefined) return
    for (const relation of fleet.relations) {
      if (relation.kind !== 'table' || rolesOn(facts, relation).length === 0) continue
      const wrong = judgeTable(facts, fleet, relation).filter(({ verdict }) => verdict === 'wrong-tenant')
      if (wrong.length === 0) continue
      const object = `${relation.schema}.${relation.name}`
      yield {
        object,
        message: `The policies of ${object} compare the context with another tenant than the one of schema ${relation.schema}: that tenant reaches its rows.`,
        evidence: [`verbs: ${[...new Set(wrong.map(({ verb }) => verb))].join(', ')}`],
        fix: installFix(relation.schema),
        verbs: [...new Set(wrong.map(({ verb }) => verb))],
      }
    }
  },
}
