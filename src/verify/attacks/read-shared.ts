import { qualifiedName, quoteIdentifier } from '../../catalog/names.ts'
import { isTable } from '../../tenancy/discovery/tenant-root.ts'
import type { Attack } from '../attack/attack.ts'
import { holdsMarker, markersOf } from '../attack/markers.ts'
import { copiedFrom } from '../readings/shadow-copies.ts'

/** Looks in tables without a tenant for values of B's rows that triggers wrote there when the rows were planted. */
export const readShared: Attack = {
  name: 'read-shared',
  title: 'looks for another tenant’s data in tables without a tenant',
  needs: 'a tenant table with a trigger or a rewrite rule, and a table without a tenant that a role in reach may read',
  rules: ['untenanted-payload'],
  async run(arena) {
    const { facts } = arena
    const writing = [...facts.tenancy.tables.values()].map(({ relation }) => relation)
    // Planting a row writes to another table only through a trigger or a rewrite rule.
    const sources = writing.filter((relation) => relation.triggers.length > 0 || relation.rules.length > 0)
    const markers = markersOf(arena, sources)
    if (markers.length === 0) return
    for (const role of facts.acting.filter((acting) => !acting.bypasses)) {
      const probes = facts.relations
        .filter(
          (relation) =>
            isTable(relation) &&
            facts.tenantTable(relation) === undefined &&
            copiedFrom(facts, relation) === undefined &&
            facts.privileges.onRelation(role.role.oid, relation, 'SELECT'),
        )
        .map((relation) => ({
          key: relation.label,
          sql: `select 1 from ${qualifiedName(relation)} as partywall_seen where ${holdsMarker('partywall_seen::text', markers)} limit 1`,
          relation,
        }))
      const answers = await arena.batch(role, arena.contexts.a, probes)
      for (const { key, relation } of probes) {
        const answer = answers.get(key)
        if (answer?.ok !== true || answer.rows === 0) continue
        arena.report({
          rule: 'untenanted-payload',
          object: relation.label,
          verbs: ['select'],
          message: `${relation.label} has no tenant, and all tenants can read in it what one tenant wrote into another table.`,
          evidence: [
            `as ${role.path.join(' → ')}, tenant A: SELECT returned values of tenant B's rows, written by a trigger`,
          ],
          fix: `REVOKE SELECT ON ${qualifiedName(relation)} FROM PUBLIC, ${quoteIdentifier(role.role.name)};`,
        })
      }
    }
  },
}
