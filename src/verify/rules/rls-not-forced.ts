import { qualifiedName } from '../../catalog/names.ts'
import type { Rule } from '../rule.ts'

export const rlsNotForced: Rule = {
  id: 'rls-not-forced',
  group: 'rls',
  ofProtect: 'always',
  title: 'Row-level security does not hold the owner',
  severity: 'low',
  meaning: 'The owner skips the policies: its migrations, definer functions and views see the rows of all tenants.',
  remedy: 'FORCE ROW LEVEL SECURITY.',
  *run(facts) {
    const becomable = new Set([facts.tenancy.appRole.oid, ...facts.becomable.map((path) => path.role.oid)])
    for (const { relation } of facts.tenancy.tables.values()) {
      if (!relation.rowSecurity || relation.forceRowSecurity) continue
      const owned = becomable.has(relation.owner)
      const owner = facts.roleName(relation.owner)
      yield {
        object: relation.label,
        ...(owned ? { severity: 'critical' as const, verbs: ['select', 'insert', 'update', 'delete'] as const } : {}),
        message: owned
          ? `Row-level security is not forced on ${relation.label}, and the app is or can become its owner ${owner}: the policies do not hold it.`
          : `Row-level security is not forced on ${relation.label}: whatever runs as its owner ${owner} sees the rows of all tenants.`,
        evidence: [`owner ${owner}`],
        fix: `ALTER TABLE ${qualifiedName(relation)} FORCE ROW LEVEL SECURITY;`,
      }
    }
  },
}
