import { qualifiedName } from '../../catalog/names.ts'
import type { Rule } from '../finding/rule.ts'
import { revokeList } from '../readings/grantees.ts'
import { exposedHeirs } from '../readings/inherited.ts'

export const inheritanceChildExposed: Rule = {
  id: 'inheritance-child-exposed',
  group: 'rls',
  ofProtect: 'always',
  title: 'An inheriting table is not protected like its parent',
  severity: 'critical',
  meaning:
    'Policies are not inherited: a child table without its own policies, or a parent without policies, shows the rows of every tenant.',
  remedy:
    'Enable and force row-level security with the same policies on the parent and its children, or revoke the grants.',
  *run(facts) {
    yield* exposedHeirs(facts, false)
    // A query of the parent reads the inheriting tables too, and only the parent's policies apply. A parent without policies shows all
    // rows.
    for (const relation of facts.relations) {
      if (
        relation.kind !== 'table' ||
        relation.children.length === 0 ||
        relation.rowSecurity ||
        relation.parents.length > 0
      )
        continue
      const heirs = relation.children.flatMap((oid) => facts.relationOf(oid) ?? []).filter((heir) => heir.rowSecurity)
      const readers = facts.reach(relation, 'SELECT')
      // The rule rls-disabled reports a parent that has a tenant column itself.
      if (heirs.length === 0 || readers.length === 0 || facts.tenantTable(relation) !== undefined) continue
      const names = readers.map((role) => role.role.name)
      yield {
        object: relation.label,
        message: `${relation.label} has no row-level security and shows the rows of ${heirs.map((heir) => heir.label).join(', ')}, which have it.`,
        evidence: [`${names.join(', ')} may select`],
        verbs: ['select'],
        tables: [relation.label, ...heirs.map((heir) => heir.label)],
        fix: `REVOKE ALL ON ${qualifiedName(relation)} FROM ${revokeList(facts, relation, names)};`,
      }
    }
  },
}
