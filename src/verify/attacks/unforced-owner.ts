import type { Relation } from '../../catalog/model.ts'
import type { ActingRole } from '../../tenancy/facts.ts'
import type { Attack } from '../attack/attack.ts'
import type { BatchProbe } from '../attack/batch.ts'
import { crosser } from '../attack/crosser.ts'
import { victimRead } from '../attack/victim-read.ts'
import { draftsOf } from '../finding/drafts.ts'
import { rlsNotForced } from '../rules/rls-not-forced.ts'

interface OwnerProbe extends BatchProbe {
  readonly relation: Relation
}

/** Reads as the owner of the table, as migrations, SECURITY DEFINER functions and views of that owner do. */
export const unforcedOwner: Attack = {
  name: 'unforced-owner',
  title: 'reads as the owner, to whom the policies do not apply',
  needs: 'a tenant table with row-level security that is not forced',
  rules: ['rls-not-forced'],
  async run(arena) {
    const { facts, contexts } = arena
    const drafts = new Map(draftsOf(rlsNotForced, facts).map((draft) => [draft.object, draft]))
    const relations = facts.relations.filter((relation) => drafts.has(relation.label))
    for (const oid of new Set(relations.map((relation) => relation.owner))) {
      const role = facts.catalog.roles.get(oid)
      if (role === undefined) continue
      const owner: ActingRole = { role, path: [role.name], rights: facts.graph.rightsOf(oid), bypasses: false }
      const probes = relations.flatMap((relation): readonly OwnerProbe[] => {
        const sql = relation.owner === oid ? victimRead(arena, relation, owner) : undefined
        return sql === undefined ? [] : [{ key: relation.label, sql, relation }]
      })
      const answers = await arena.batch(owner, contexts.a, probes)
      for (const { key, sql, relation } of probes) {
        const answer = answers.get(key)
        const draft = drafts.get(key)
        if (draft === undefined || answer?.ok !== true || answer.rows === 0) continue
        arena.report({
          ...draft,
          rule: 'rls-not-forced',
          evidence: [`as ${role.name}, tenant A: SELECT returned the planted row of tenant B`],
        })
        const saw = 'In this run: 1 row, of tenant B. With FORCE and an owner that is no superuser: no row.'
        arena.repeatable(crosser(owner, contexts.a), { rule: 'rls-not-forced', relation, verb: 'select', sql, saw })
      }
    }
  },
}
