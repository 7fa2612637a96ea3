import { qualifiedName, quoteIdentifier } from '../../catalog/names.ts'
import type { Attack } from '../attack/attack.ts'
import { crosser } from '../attack/crosser.ts'
import { draftsOf } from '../finding/drafts.ts'
import { grantTruncate } from '../rules/grant-truncate.ts'

/** Runs TRUNCATE as tenant A, and checks whether B's rows are gone. */
export const truncate: Attack = {
  name: 'truncate',
  title: 'TRUNCATE as one tenant',
  needs: 'a tenant table on which a role in reach was granted TRUNCATE',
  rules: ['grant-truncate'],
  async run(arena) {
    const { session } = arena
    // Try only tables on which TRUNCATE is granted. Another rule reports the right of an owner.
    const granted = new Set(draftsOf(grantTruncate, arena.facts).map((finding) => finding.object))
    for (const { relation } of arena.facts.tenancy.tables.values()) {
      if (!granted.has(relation.label) || arena.row(relation, 'b') === undefined) continue
      for (const role of arena.facts.reach(relation, 'TRUNCATE')) {
        const name = qualifiedName(relation)
        const empty = async (sql: string) =>
          await arena.as(role, arena.contexts.a, async () => {
            await session.run(sql)
            await arena.judge()
            return (await session.text(`select 1 from ${name} limit 1`)).count === 0
          })
        await session.run('set constraints all immediate')
        let gone = await empty(`truncate ${name}`)
        // A referenced table needs CASCADE, which also needs TRUNCATE on the tables that refer to it.
        if (!gone.ok) gone = await empty(`truncate ${name} cascade`)
        if (gone.ok && gone.value) {
          arena.repeatable(crosser(role, arena.contexts.a), {
            rule: 'grant-truncate',
            relation,
            verb: 'delete',
            sql: `truncate ${name} cascade`,
            judge: `select count(*) from ${name}`,
            saw: 'In this run: the table was empty afterwards.',
          })
          arena.report({
            rule: 'grant-truncate',
            object: relation.label,
            verbs: ['delete'],
            message: `TRUNCATE by one tenant deletes the rows of all in ${relation.label}.`,
            evidence: [`as ${role.path.join(' → ')}, tenant A: TRUNCATE removed tenant B's row`],
            fix: `REVOKE TRUNCATE ON ${name} FROM ${quoteIdentifier(role.role.name)};`,
          })
        }
      }
    }
  },
}
