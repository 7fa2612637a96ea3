import type { Column } from '../../catalog/model.ts'
import { qualifiedName, quoteIdentifier } from '../../catalog/names.ts'
import type { Attack } from '../attack/attack.ts'
import { literal, variantInsert } from '../attack/variant-row.ts'
import { unscopedIndexes } from '../readings/unique-keys.ts'

/** Writes values as A that only B has. A unique or exclusion violation reveals that B has them. */
export const takenValues: Attack = {
  name: 'taken-values',
  title: 'uses unique and exclusion constraints to find out which values another tenant has',
  needs:
    'a unique or exclusion constraint without the tenant column, whose values a tenant can choose (neither a generated key nor a token), in a table that a role in reach may write',
  rules: ['unique-not-tenant-scoped', 'exclusion-not-tenant-scoped'],
  async run(arena) {
    const { facts, session } = arena
    for (const found of unscopedIndexes(facts)) {
      const { relation, table, name, index } = found
      const victim = arena.row(relation, 'b')
      if (victim === undefined) continue
      const overrides = new Map<Column, string | null>()
      for (const column of found.columns)
        if (column !== table.column && column.generated === undefined)
          overrides.set(column, victim.values[column.name] ?? null)
      const assigned = [...overrides]
      if (assigned.length === 0) continue
      const update = `update ${qualifiedName(relation)} set ${assigned.map(([column, value]) => `${quoteIdentifier(column.name)} = ${literal(column, value)}`).join(', ')}`
      const tries = [
        ...facts
          .reach(relation, 'INSERT')
          .map((role) => ({ role, sql: variantInsert(arena, relation, 'a', role, overrides) })),
        ...facts.reach(relation, 'UPDATE').map((role) => ({ role, sql: update })),
      ]
      for (const { role, sql } of tries) {
        if (sql === undefined) continue
        const answer = await arena.as(role, arena.contexts.a, async () => {
          await session.run(sql)
          await session.run('set constraints all immediate')
        })
        if (answer.ok || !['23505', '23P01'].includes(answer.error.code)) continue
        if (answer.error.constraint !== name && answer.error.constraint !== index.name) continue
        arena.report({
          rule: found.exclusion ? 'exclusion-not-tenant-scoped' : 'unique-not-tenant-scoped',
          object: relation.label,
          detail: name,
          message: `${name} shows one tenant which values another tenant has.`,
          evidence: [
            `as ${role.path.join(' → ')}, tenant A: writing tenant B's value was refused with ${answer.error.code} by ${name}`,
          ],
          fix: `-- Put the tenant column first in ${quoteIdentifier(name)} of ${qualifiedName(relation)}.`,
        })
        break
      }
    }
  },
}
