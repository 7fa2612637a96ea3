import { qualifiedName } from '../../catalog/names.ts'
import type { Arena } from '../attack/arena.ts'
import { type AttackContext, setSql, settingText } from '../attack/contexts.ts'
import { rowFilter } from '../attack/row-filters.ts'
import type { Attack } from '../attack.ts'
import type { ActingRole } from '../facts.ts'
import { narrowPolicySql } from '../rules/policy-finding.ts'
import { type PolicyWeakness, weaknessesOf } from '../rules/weaknesses.ts'

const RULES = ['policy-bypass-flag', 'policy-setting-mismatch', 'policy-user-claim']
const USUAL = ['on', 'true', '1', 'yes', 'admin', 'system', 'service_role']

/** Sets the other settings that policies trust, as any SQL may, beside a valid context of tenant A. */
export const setFlags: Attack = {
  name: 'set-flags',
  title: 'sets the flags, claims and other settings that policies trust',
  rules: RULES,
  async run(arena) {
    for (const rule of RULES)
      for (const weakness of weaknessesOf(arena.facts, rule)) {
        const seen = await open(arena, weakness)
        if (seen === undefined) continue
        arena.report({
          rule,
          object: weakness.relation.label,
          ...(weakness.policy === undefined ? {} : { detail: weakness.policy }),
          verbs: ['select'],
          message: `A setting opens rows of other tenants in ${weakness.relation.label}.`,
          evidence: [seen],
          fix: narrowPolicySql(arena.facts, weakness.relation, weakness.policyObject),
        })
      }
  },
}

async function open(arena: Arena, weakness: PolicyWeakness): Promise<string | undefined> {
  const { facts, session } = arena
  const { relation, subject } = weakness
  const row = arena.row(relation, 'b')
  const [setting, ...path] = (subject ?? '').split('->')
  if (row === undefined || setting === undefined || setting === '') return undefined
  const named = [...weakness.text.matchAll(/'([^']{1,40})'/g)].map((match) => match[1] ?? '')
  const values = new Set([...named.filter((value) => value !== subject), ...USUAL, arena.planting.tenants.b.id])
  for (const role of facts.reach(relation, 'SELECT')) {
    if (!weakness.roles.includes(role.role.name)) continue
    const readable = relation.columns.filter((column) =>
      facts.privileges.onColumn(role.role.oid, relation, column, 'SELECT'),
    )
    const filter = rowFilter(relation, row, readable)
    if (filter === undefined) continue
    for (const value of values) {
      const answer = await arena.as(role, beside(arena.contexts.a, setting, settingText({ path }, value)), () =>
        session.text(`select 1 from ${qualifiedName(relation)} where ${filter}`),
      )
      if (answer.ok && answer.value.count > 0)
        return `as ${role.path.join(' → ')}, tenant A, ${subject} set to ${value === arena.planting.tenants.b.id ? "tenant B's id" : `'${value}'`}: SELECT returned the planted row of tenant B`
    }
  }
  return undefined
}

function beside(context: AttackContext, setting: string, value: string): AttackContext {
  return { ...context, sql: (role: ActingRole) => `${context.sql(role)}${setSql(setting, value)}` }
}
