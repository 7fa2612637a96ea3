import { qualifiedName, quoteIdentifier } from '../../catalog/names.ts'
import type { Rule } from '../finding/rule.ts'

const PRIVILEGES = { select: 'SELECT', insert: 'INSERT', update: 'UPDATE', delete: 'DELETE' } as const

export const ruleAsOwner: Rule = {
  id: 'rule-as-owner',
  group: 'code',
  title: 'A rewrite rule works with the table owner’s rights',
  severity: 'high',
  meaning:
    'What CREATE RULE adds to a statement is checked as the table’s owner: it reads and writes past the caller’s policies.',
  remedy: 'A trigger in place of the rule.',
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
          message: `Rule ${rule.name} on ${rule.event.toUpperCase()} of ${relation.label} runs its own statements as ${facts.roleName(relation.owner)}, whatever the caller may.`,
          evidence: [rule.instead ? 'DO INSTEAD' : 'DO ALSO'],
          fix: `DROP RULE IF EXISTS ${quoteIdentifier(rule.name)} ON ${qualifiedName(relation)};\n-- and do the same in a trigger that is SECURITY INVOKER.`,
        }
      }
    }
  },
}
