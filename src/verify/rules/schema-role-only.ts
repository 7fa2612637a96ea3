import { quoteIdentifier } from '../../catalog/names.ts'
import type { Rule } from '../finding/rule.ts'
import { judgeTable, rolesOn } from '../readings/fleet-tables.ts'

export const schemaRoleOnly: Rule = {
  id: 'schema-role-only',
  group: 'role',
  title: 'Only roles keep the schemas apart, and one login may become them all',
  severity: 'critical',
  meaning: "SQL that one tenant injects sets the role of another tenant: set_config('role', …) works in any SELECT.",
  remedy: 'Protect the tables by policies. A role per tenant keeps tenants apart only if each has a login of its own.',
  *run(facts) {
    const { fleet } = facts
    if (fleet === undefined) return
    const reached = new Map<string, Set<string>>()
    for (const relation of fleet.relations) {
      if (relation.kind !== 'table') continue
      const open = new Set(
        judgeTable(facts, fleet, relation).flatMap(({ verdict, role }) => (verdict === 'open' ? [role.role.name] : [])),
      )
      for (const { role } of rolesOn(facts, relation)) {
        if (!open.has(role.name)) continue
        const schemas = reached.get(role.name) ?? new Set()
        reached.set(role.name, schemas.add(relation.schema))
      }
    }
    const [app] = facts.acting
    const lone = [...reached].filter(([name, schemas]) => schemas.size === 1 && name !== app?.role.name)
    const schemas = new Set(lone.flatMap(([, own]) => [...own]))
    if (app === undefined || lone.length < 2 || schemas.size < 2) return
    const names = lone.map(([name]) => name)
    yield {
      object: `role ${app.role.name}`,
      message: `${app.role.name} may become ${names.slice(0, 5).join(', ')}${names.length > 5 ? ' and others' : ''}, and only these roles keep ${schemas.size} schemas apart. Injected SQL may become them as well.`,
      evidence: [
        ...lone.slice(0, 5).map(([name, own]) => `${name} reaches ${[...own].join(', ')}`),
        ...(lone.length > 5 ? [`and ${lone.length - 5} more such roles`] : []),
      ],
      fix: `-- Add policies first: CALL partywall.install_schema(schema, tenant) for each schema.\n-- Or give each tenant a login of its own:\n${names.map((name) => `-- REVOKE ${quoteIdentifier(name)} FROM ${quoteIdentifier(app.role.name)};`).join('\n')}`,
    }
  },
}
