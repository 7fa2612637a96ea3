import type { Facts } from './facts.ts'

/**
 * The new owner for objects in a `fix`: the most frequent owner of tenant tables that the application can't become; if there is none, the
 * role that read the catalog.
 */
export function safeOwner(facts: Facts): string {
  const becomable = new Set([facts.tenancy.appRole.oid, ...facts.becomable.map((path) => path.role.oid)])
  const counts = new Map<number, number>()
  for (const { relation } of facts.tenancy.tables.values())
    if (!becomable.has(relation.owner)) counts.set(relation.owner, (counts.get(relation.owner) ?? 0) + 1)
  const [best] = [...counts].sort((a, b) => b[1] - a[1])
  return best === undefined ? facts.catalog.reader.name : facts.roleName(best[0])
}
