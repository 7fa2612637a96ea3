import type { Relation, RewriteRule } from '../../catalog/model.ts'
import { qualifiedName, quoteIdentifier } from '../../catalog/names.ts'
import type { ActingRole } from '../../tenancy/facts.ts'
import type { Arena } from '../attack/arena.ts'
import type { Attack } from '../attack/attack.ts'
import { AS_PLANTER, becomeSql } from '../attack/identity.ts'
import { variantInsert } from '../attack/variant-row.ts'
import { victimState } from '../attack/victim-state.ts'
import { draftsOf } from '../finding/drafts.ts'
import { ruleAsOwner } from '../rules/rule-as-owner.ts'

/** Maximum number of rewrite rules that are tried, because each takes many round trips. */
const MOST_RULES = 60

/**
 * Runs statements that fire a rewrite rule, and checks whether the rule changed a table that the role may not write, or rows of B in
 * another table.
 */
export const fireRules: Attack = {
  name: 'fire-rules',
  title: 'fires rewrite rules, which work with their owner’s rights',
  needs: 'a rewrite rule on a table that a role in reach may use, and that works with the rights of the table’s owner',
  rules: ['rule-as-owner'],
  async run(arena) {
    const { facts } = arena
    for (const draft of draftsOf(ruleAsOwner, facts).slice(0, MOST_RULES)) {
      const relation = facts.relations.find((each) => each.label === draft.object)
      const rule = relation?.rules.find((each) => each.name === draft.detail)
      const seen = relation === undefined || rule === undefined ? undefined : await fire(arena, relation, rule)
      if (seen !== undefined) arena.report({ ...draft, rule: 'rule-as-owner', evidence: [seen] })
    }
  },
}

async function fire(arena: Arena, relation: Relation, rule: RewriteRule): Promise<string | undefined> {
  const { facts, session, contexts } = arena
  const touched = rule.relations.flatMap((oid) => facts.relationOf(oid) ?? [])
  for (const role of facts.acting.filter((acting) => !acting.bypasses)) {
    const statement = statementOf(arena, relation, rule, role)
    if (statement === undefined) continue
    for (const table of touched.filter((each) => each !== relation && each.kind !== 'view')) {
      const mayWrite = (['INSERT', 'UPDATE', 'DELETE'] as const).some((privilege) =>
        facts.privileges.onRelation(role.role.oid, table, privilege),
      )
      const state = mayWrite ? victimState(arena, [table]) : wholeState(table)
      if (state === undefined) continue
      const look = async () => {
        await session.run(AS_PLANTER)
        if (!facts.catalog.reader.superuser) await session.run(`${contexts.b.sql(role)}select 1`)
        return Object.values((await session.text(state)).rows[0] ?? {})[0]
      }
      const answer = await session.probe(async () => {
        const before = await look()
        await session.run(`${becomeSql(arena.facts, role)};${contexts.a.sql(role)}select 1`)
        await session.run(statement)
        return (await look()) !== before
      })
      if (answer.ok && answer.value)
        return `as ${role.path.join(' → ')}, tenant A: ${rule.event.toUpperCase()} on ${relation.label} changed ${mayWrite ? `rows of tenant B in ${table.label}` : `${table.label}, on which ${role.role.name} has no right to write`}`
    }
  }
  return undefined
}

function statementOf(arena: Arena, relation: Relation, rule: RewriteRule, role: ActingRole): string | undefined {
  const name = qualifiedName(relation)
  const may = (privilege: 'INSERT' | 'UPDATE' | 'DELETE') =>
    arena.facts.privileges.onRelation(role.role.oid, relation, privilege)
  if (rule.event === 'insert') return may('INSERT') ? variantInsert(arena, relation, 'a', role, new Map()) : undefined
  if (rule.event === 'delete') return may('DELETE') ? `delete from ${name}` : undefined
  const column = relation.columns.find((each) => each.generated === undefined && each.identity !== 'always')
  if (rule.event !== 'update' || column === undefined || !may('UPDATE')) return undefined
  const target = quoteIdentifier(column.name)
  return `update ${name} set ${target} = ${target}`
}

function wholeState(table: Relation): string {
  return `select pg_catalog.concat(count(*), pg_catalog.string_agg(ctid::text, ',' order by ctid)) as state from ${qualifiedName(table)}`
}
