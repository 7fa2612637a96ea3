import type { Facts } from './facts.ts'

/** A role to hand objects to in a `fix`: the commonest owner of tenant tables that the app can't become, else the reader. */
export function safeOwner(facts: Facts): string {
  const becomable = new Set([facts.tenancy.appRole.oid, ...facts.becomable.map((path) => path.role.oid)])
  const counts = new Map<number, number>()
  for (const { relation } of facts.tenancy.tables.values())
    if (!becomable.has(relation.owner)) counts.set(relation.owner, (counts.get(relation.owner) ?? 0) + 1)
  const [best] = [...counts].sort((a, b) => b[1] - a[1])
  return best === undefined ? facts.catalog.reader.name : facts.roleName(best[0])
}
