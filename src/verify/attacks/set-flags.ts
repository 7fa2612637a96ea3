import { qualifiedName } from '../../catalog/names.ts'
import type { Arena } from '../attack/arena.ts'
import { type AttackContext, setSql, settingText } from '../attack/contexts.ts'
import { rowFilter } from '../attack/row-filters.ts'
import type { Attack } from '../attack.ts'
import type { ActingRole } from '../facts.ts'
import { narrowPolicySql } from '../rules/policy-finding.ts'
import { type PolicyWeakness, weaknessesOf } from '../rules/weaknesses.ts'

const FLAGS = ['policy-bypass-flag', 'policy-setting-mismatch', 'policy-user-claim']
/** Here the attacker sets nothing that is not its own: the user that it is. */
const OWN_USER = ['policy-subquery-capture']
const RULES = [...FLAGS, ...OWN_USER]
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

interface Trial {
  readonly setting: string
  readonly value: string
  readonly said: string
}

/** Settings and values that are worth a try for this weakness. */
function trials(arena: Arena, weakness: PolicyWeakness): readonly Trial[] {
  const { subject = '', text, rule } = weakness
  if (OWN_USER.includes(rule)) {
    const lookup = arena.facts.relations.find((relation) => relation.label === subject)
    const own = lookup === undefined ? undefined : arena.row(lookup, 'a')
    const settings = new Set([...text.matchAll(/current_setting\('([^']+)'/g)].map((match) => match[1] ?? ''))
    settings.delete(arena.facts.tenancy.context.setting)
    return [...settings].flatMap((setting) =>
      Object.values(own?.values ?? {}).flatMap((value) =>
        value === null ? [] : [{ setting, value, said: `${setting} set to a value of its own row in ${subject}` }],
      ),
    )
  }
  const [setting = '', ...path] = subject.split('->')
  if (setting === '') return []
  const b = arena.planting.tenants.b.id
  const named = [...text.matchAll(/'([^']{1,40})'/g)].map((match) => match[1] ?? '')
  return [...new Set([...named.filter((value) => value !== subject), ...USUAL, b])].map((value) => ({
    setting,
    value: settingText({ path }, value),
    said: `${subject} set to ${value === b ? "tenant B's id" : `'${value}'`}`,
  }))
}

async function open(arena: Arena, weakness: PolicyWeakness): Promise<string | undefined> {
  const { facts, session } = arena
  const { relation } = weakness
  const row = arena.row(relation, 'b')
  if (row === undefined) return undefined
  for (const role of facts.reach(relation, 'SELECT')) {
    if (!weakness.roles.includes(role.role.name)) continue
    const readable = relation.columns.filter((column) =>
      facts.privileges.onColumn(role.role.oid, relation, column, 'SELECT'),
    )
    const filter = rowFilter(relation, row, readable)
    if (filter === undefined) continue
    for (const { setting, value, said } of trials(arena, weakness)) {
      const answer = await arena.as(role, beside(arena.contexts.a, setting, value), () =>
        session.text(`select 1 from ${qualifiedName(relation)} where ${filter}`),
      )
      if (answer.ok && answer.value.count > 0)
        return `as ${role.path.join(' → ')}, tenant A, ${said}: SELECT returned the planted row of tenant B`
    }
  }
  return undefined
}

function beside(context: AttackContext, setting: string, value: string): AttackContext {
  return { ...context, sql: (role: ActingRole) => `${context.sql(role)}${setSql(setting, value)}` }
}
