import { qualifiedName, quoteIdentifier } from '../../catalog/names.ts'
import { safeOwner } from '../../tenancy/owners.ts'
import type { Rule } from '../finding/rule.ts'

export const tableOwnedByApp: Rule = {
  id: 'table-owned-by-app',
  group: 'rls',
  ofProtect: 'always',
  title: 'The application owns the table',
  severity: 'critical',
  meaning: 'The owner can switch row-level security off and drop the policies, even when they are forced.',
  remedy:
    'Give the table to a migration role that the application cannot become, and grant the application what it needs.',
  *run(facts) {
    const paths = new Map(facts.becomable.map((path) => [path.role.oid, path]))
    const app = facts.tenancy.appRole
    for (const { relation } of facts.tenancy.tables.values()) {
      const path = paths.get(relation.owner)
      if (relation.owner !== app.oid && path === undefined) continue
      const owner = safeOwner(facts)
      const how = path === undefined ? app.name : path.path.join(' → ')
      yield {
        object: relation.label,
        message: `${relation.label} belongs to ${facts.roleName(relation.owner)}, which is the app's role or one that it can become: an injected ALTER TABLE switches row-level security off.`,
        evidence: [`owner ${how}`],
        verbs: ['select', 'insert', 'update', 'delete'],
        fix: `ALTER TABLE ${qualifiedName(relation)} OWNER TO ${quoteIdentifier(owner)};\nGRANT SELECT, INSERT, UPDATE, DELETE ON ${qualifiedName(relation)} TO ${quoteIdentifier(app.name)};`,
      }
    }
  },
}
