import type { Relation } from '../../catalog/model.ts'
import { qualifiedName } from '../../catalog/names.ts'
import type { Facts } from '../../tenancy/facts.ts'
import type { Rule } from '../finding/rule.ts'
import { revokeList } from '../readings/grantees.ts'

export const matviewExposed: Rule = {
  id: 'matview-exposed',
  group: 'rls',
  title: 'A materialized view of tenant data is readable',
  severity: 'critical',
  meaning:
    'Materialized views cannot have row-level security, and they hold the rows that their owner saw: those of all tenants.',
  remedy: 'Revoke SELECT, and let tenants read through a view that contains the tenant test.',
  *run(facts) {
    for (const relation of facts.relations) {
      if (relation.kind !== 'materialized-view') continue
      const readers = facts.reach(relation, 'SELECT')
      const sources = tenantSources(facts, relation)
      if (readers.length === 0 || sources.length === 0) continue
      const names = readers.map((role) => role.role.name)
      yield {
        object: relation.label,
        message: `${relation.label} is a materialized view over ${sources.join(', ')}: every tenant reads the rows of all tenants.`,
        evidence: [`${names.join(', ')} may select`],
        verbs: ['select'],
        fix: `REVOKE ALL ON ${qualifiedName(relation)} FROM ${revokeList(facts, relation, names)};`,
      }
    }
  },
}

/** Tenant tables that a view reads, directly or through other views and functions whose body is known. */
export function tenantSources(facts: Facts, relation: Relation): readonly string[] {
  const found = new Set<string>()
  const seen = new Set<number>()
  const visit = (oid: number): void => {
    if (seen.has(oid)) return
    seen.add(oid)
    const read = facts.relationOf(oid)
    if (read === undefined) return
    if (facts.tenantTable(read) !== undefined) found.add(read.label)
    for (const next of read.readsRelations) visit(next)
    for (const fn of read.callsFunctions)
      for (const next of facts.catalog.functions.get(fn)?.readsRelations ?? []) visit(next)
  }
  for (const oid of relation.readsRelations) visit(oid)
  return [...found].sort()
}
