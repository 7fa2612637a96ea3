import { qualifiedName } from '../../catalog/names.ts'
import type { Rule } from '../finding/rule.ts'
import { hasBarrier, viewAccess } from '../readings/view-access.ts'

export const viewFilterNoBarrier: Rule = {
  id: 'view-filter-no-barrier',
  group: 'code',
  title: "A condition of the caller can run before the view's own tenant filter",
  severity: 'high',
  meaning:
    "Without security_barrier a cheap condition of the caller may run first and print another tenant's values in its error message.",
  remedy: 'Set security_barrier = true, or security_invoker = true with policies on the tables.',
  *run(facts) {
    for (const view of facts.relations) {
      if (view.kind !== 'view' || hasBarrier(view) || facts.reach(view, 'SELECT').length === 0) continue
      const { direct, nested, filtered } = viewAccess(facts, view)
      const tables = [...direct, ...nested]
      if (tables.length === 0 || !filtered) continue
      yield {
        object: view.label,
        message: `${view.label} filters ${tables.join(', ')} by tenant itself, because their policies do not apply to its owner, and has no security_barrier: a condition such as secret::int = 1 may run first and show a value in its error message.`,
        evidence: ['security_barrier is off', `reads as ${facts.roleName(view.owner)}`],
        verbs: ['select'],
        tables,
        fix: `ALTER VIEW ${qualifiedName(view)} SET (security_barrier = true);`,
      }
    }
  },
}
