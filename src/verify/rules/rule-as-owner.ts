import { qualifiedName, quoteIdentifier } from '../../catalog/names.ts'
import type { Rule } from '../finding/rule.ts'

const PRIVILEGES = { select: 'SELECT', insert: 'INSERT', update: 'UPDATE', delete: 'DELETE' } as const

export const ruleAsOwner: Rule = {
  id: 'rule-as-owner',
  group: 'code',
  title: 'A rewrite rule runs with the rights of the table owner',
  severity: 'high',
  meaning:
    "Statements that CREATE RULE adds are checked as the table's owner: they read and write past the caller's policies.",
  remedy: 'Replace the rule by a trigger.',
  *run(facts) {
    for (const relation of facts.relations) {
      for (const rule of relation.rules) {
        if (rule.enabled === 'D' || rule.enabled === 'disabled') continue
        if (facts.reach(relation, PRIVILEGES[rule.event]).length === 0) continue
        const touched = rule.relations
          .map((oid) => facts.relationOf(oid))
          .filter(
            (read) =>
              read !== undefined &&
              (facts.tenantTable(read) !== undefined || facts.tenantTable(relation) !== undefined),
          )
        if (touched.length === 0 && facts.tenantTable(relation) === undefined) continue
        yield {
          object: relation.label,
          detail: rule.name,
          message: `Rule ${rule.name} on ${rule.event.toUpperCase()} of ${relation.label} runs its own statements as ${facts.roleName(relation.owner)}, whatever rights the caller has.`,
          evidence: [rule.instead ? 'DO INSTEAD' : 'DO ALSO'],
          fix: `DROP RULE IF EXISTS ${quoteIdentifier(rule.name)} ON ${qualifiedName(relation)};\n-- and do the same in a trigger that is SECURITY INVOKER.`,
        }
      }
    }
  },
}
