import { qualifiedName } from '../../catalog/names.ts'
import type { Rule } from '../finding/rule.ts'
import { isInvokerView, viewAccess } from '../readings/view-access.ts'

export const viewNestedDefiner: Rule = {
  id: 'view-nested-definer',
  group: 'code',
  title: 'A view shows the rows that a view below it reads',
  severity: 'critical',
  meaning:
    "The view below reads with the rights of its owner, so this view shows everybody's rows, with or without security_invoker.",
  remedy: 'Set security_invoker on every view of the chain.',
  *run(facts) {
    for (const view of facts.relations) {
      if (view.kind !== 'view' || facts.reach(view, 'SELECT').length === 0) continue
      const { direct, nested, through, filtered } = viewAccess(facts, view)
      if (nested.length === 0 || direct.length > 0 || filtered) continue
      const chain = facts.relations.filter((each) => each === view || through.includes(each.label))
      const fixes = chain
        .filter((each) => !isInvokerView(each))
        .map((each) => `ALTER VIEW ${qualifiedName(each)} SET (security_invoker = true);`)
      yield {
        object: view.label,
        message: `${view.label} reads ${through.join(', ')}, which shows the rows of ${nested.join(', ')} without their policies.`,
        evidence: [`through ${through.join(' → ')}`],
        verbs: ['select'],
        tables: nested,
        fix: fixes.join('\n'),
      }
    }
  },
}
