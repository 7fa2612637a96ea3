import type { Oid, Relation } from '../catalog/model.ts'
import { walkBody } from '../sql/walk.ts'
import type { Facts } from './facts.ts'

/**
 * For a table's label: the tables that the table's policies query, directly, through helper functions, or through policies of the queried
 * tables.
 */
export function lookupsOf(facts: Facts): (label: string) => readonly string[] {
  const byLabel = new Map(facts.relations.map((relation) => [relation.label, relation]))
  const known = new Map<string, readonly string[]>()
  return (label) => {
    const before = known.get(label)
    if (before !== undefined) return before
    const found = new Set<Relation>()
    const start = byLabel.get(label)
    if (start !== undefined) collect(facts, start, found)
    const labels = [...found].filter((relation) => relation !== start).map((relation) => relation.label)
    known.set(label, labels)
    return labels
  }
}

function collect(facts: Facts, relation: Relation, found: Set<Relation>): void {
  for (const policy of relation.policies) {
    const oids: Oid[] = [...policy.relations]
    for (const oid of policy.functions) {
      const fn = facts.catalog.functions.get(oid)
      if (fn === undefined) continue
      walkBody(facts.sql.body(fn), {
        table: (item) => {
          const table = facts.relationNamed(item.schema, item.name)
          if (table !== undefined) oids.push(table.oid)
        },
      })
    }
    for (const oid of oids) {
      const next = facts.relationOf(oid)
      if (next === undefined || found.has(next)) continue
      found.add(next)
      collect(facts, next, found)
    }
  }
}
