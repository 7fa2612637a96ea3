import { qualifiedName } from '../../catalog/names.ts'
import type { Rule } from '../finding/rule.ts'
import { viewAccess, writableVerbs } from '../readings/view-access.ts'

export const viewDefiner: Rule = {
  id: 'view-definer',
  group: 'code',
  title: 'A view reads with the rights of its owner',
  severity: 'critical',
  meaning:
    "Without security_invoker PostgreSQL applies the policies to the owner of the view, to whom they do not apply: the view shows everybody's rows.",
  remedy: 'ALTER VIEW … SET (security_invoker = true).',
  *run(facts) {
    for (const view of facts.relations) {
      if (view.kind !== 'view') continue
      const readers = facts.reach(view, 'SELECT')
      const writes = writableVerbs(facts, view)
      if (readers.length === 0 && writes.length === 0) continue
      const { direct, filtered } = viewAccess(facts, view)
      if (direct.length === 0 || filtered) continue
      yield {
        object: view.label,
        message: `${view.label} reads ${direct.join(', ')} as ${facts.roleName(view.owner)}, to whom their policies do not apply: every tenant sees the rows of all tenants.`,
        evidence: [`security_invoker is off`, `${readers.map((role) => role.role.name).join(', ')} may select`],
        verbs: ['select', ...writes],
        tables: direct,
        fix: `ALTER VIEW ${qualifiedName(view)} SET (security_invoker = true);`,
      }
    }
  },
}
