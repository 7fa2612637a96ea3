import type { Attack } from '../attack/attack.ts'
import { becomeSql } from '../attack/identity.ts'
import { draftsOf } from '../finding/drafts.ts'
import { largeObjects } from '../rules/large-objects.ts'

/** Stores a large object as tenant B and reads it as tenant A. */
export const largeObject: Attack = {
  name: 'large-object',
  title: 'reads another tenant’s large object',
  needs: 'large objects that a role in reach may store',
  rules: ['large-objects'],
  async run(arena) {
    const { facts, session } = arena
    const objects = draftsOf(largeObjects, facts).map((finding) => finding.object)
    const role = facts.acting.find((acting) => !acting.bypasses)
    if (objects.length === 0 || role === undefined) return
    const canary = arena.planting.tenants.b.canary
    const answer = await arena.as(role, arena.contexts.b, async () => {
      const made = await session.text(
        `select pg_catalog.lo_from_bytea(0, convert_to('${canary}', 'UTF8'))::text as oid`,
      )
      await session.run(`${becomeSql(arena.facts, role)};${arena.contexts.a.sql(role)}select 1`)
      const read = await session.text(
        `select convert_from(pg_catalog.lo_get(${made.rows[0]?.['oid'] ?? '0'}::oid), 'UTF8') as body`,
      )
      return read.rows[0]?.['body'] ?? ''
    })
    if (!answer.ok || !arena.leaks(answer.value, 'b')) return
    for (const object of objects)
      arena.report({
        rule: 'large-objects',
        object,
        message: 'Large objects of one tenant are read by another.',
        evidence: [`as ${role.path.join(' → ')}: a large object that tenant B stored was read with lo_get as tenant A`],
        fix: '-- Keep the bytes in a bytea column of a protected table.',
      })
  },
}
