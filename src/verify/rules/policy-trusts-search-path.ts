import type { Rule } from '../finding/rule.ts'
import { installFix } from '../readings/fleet-fixes.ts'
import { judgeTable, rolesOn } from '../readings/fleet-tables.ts'
import { schemaPolicies } from '../readings/schema-policies.ts'

export const policyTrustsSearchPath: Rule = {
  id: 'policy-trusts-search-path',
  group: 'policy',
  title: 'A policy trusts the search_path of the caller',
  severity: 'critical',
  meaning: 'The caller sets search_path, so a tenant that names another schema passes the policy there.',
  remedy:
    'Compare the context with a constant. current_schema() says where the caller looks, and not where the table is.',
  *run(facts) {
    const { fleet } = facts
    if (fleet === undefined) return
    for (const relation of fleet.relations) {
      if (relation.kind !== 'table' || rolesOn(facts, relation).length === 0) continue
      const policy = schemaPolicies(facts).trustsPath(relation)
      if (policy === undefined) continue
      const open = judgeTable(facts, fleet, relation).filter(
        ({ verdict }) => verdict !== 'proved' && verdict !== 'no-access',
      )
      if (open.length === 0) continue
      const object = `${relation.schema}.${relation.name}`
      yield {
        object,
        detail: policy.name,
        message: `Policy ${policy.name} on ${object} asks for the caller’s search_path. A tenant passes the policy if it sets search_path, or if it writes the qualified name while search_path names its own schema.`,
        evidence: [policy.using ?? policy.check ?? ''],
        fix: installFix(relation.schema),
        verbs: [...new Set(open.map(({ verb }) => verb))],
      }
    }
  },
}
