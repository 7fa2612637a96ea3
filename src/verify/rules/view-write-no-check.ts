import { qualifiedName, quoteIdentifier } from '../../catalog/names.ts'
import type { Rule } from '../finding/rule.ts'
import { viewAccess, writableVerbs } from '../readings/view-access.ts'

export const viewWriteNoCheck: Rule = {
  id: 'view-write-no-check',
  group: 'code',
  title: 'Rows of another tenant can be written through a view',
  severity: 'high',
  meaning:
    'The view passes writes on as its owner and checks nothing: rows are planted in another tenant, or moved there.',
  remedy: 'Use WITH CASCADED CHECK OPTION, or grant no writes on the view.',
  *run(facts) {
    for (const view of facts.relations) {
      if (view.kind !== 'view' || view.options.has('check_option')) continue
      const writes = writableVerbs(facts, view).filter((verb) => verb !== 'delete')
      if (writes.length === 0) continue
      const { direct, nested, filtered } = viewAccess(facts, view)
      const tables = [...direct, ...nested]
      if (tables.length === 0 || !filtered) continue
      const roles = [
        ...new Set(
          [...facts.reach(view, 'INSERT'), ...facts.reach(view, 'UPDATE')].map((role) =>
            quoteIdentifier(role.role.name),
          ),
        ),
      ]
      yield {
        object: view.label,
        message: `${view.label} passes ${writes.join(' and ').toUpperCase()} on to ${tables.join(', ')} as ${facts.roleName(view.owner)} without a check: a row of any tenant is accepted.`,
        evidence: ['no check option', `${roles.join(', ')} may write`],
        verbs: writes,
        tables,
        fix: `ALTER VIEW ${qualifiedName(view)} SET (check_option = cascaded);`,
      }
    }
  },
}
