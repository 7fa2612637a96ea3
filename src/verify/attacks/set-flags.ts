import type { Verb } from '../../catalog/verbs.ts'
import type { ActingRole } from '../../tenancy/facts.ts'
import type { Arena } from '../attack/arena.ts'
import type { Attack } from '../attack/attack.ts'
import type { Said } from '../attack/contexts.ts'
import { crosses } from '../attack/crosses.ts'
import { withOnlyPolicy } from '../attack/only-policy.ts'
import { literalsOf, settingsRead } from '../attack/policy-literals.ts'
import type { RuleId } from '../finding/rule-id.ts'
import { narrowPolicySql } from '../readings/policy-finding.ts'
import { type PolicyWeakness, weaknessesOf } from '../readings/weaknesses.ts'

const FLAGS: readonly RuleId[] = ['policy-bypass-flag', 'policy-setting-mismatch', 'policy-user-claim']
/** For these rules the attacker sets only their own user, and no foreign value. */
const OWN_USER: readonly RuleId[] = ['policy-subquery-capture']
const RULES = [...FLAGS, ...OWN_USER]
const USUAL = ['on', 'true', '1', 'yes', 'admin', 'system', 'service_role']

/** In a valid context of tenant A, sets further settings that policies trust. Any SQL may set them. */
export const setFlags: Attack = {
  name: 'set-flags',
  title: 'sets the flags, claims and other settings that policies trust',
  needs: 'a policy that trusts a flag, a claim or another setting beside the tenant',
  rules: RULES,
  async run(arena) {
    for (const rule of RULES)
      for (const weakness of weaknessesOf(arena.facts, rule))
        for (const verb of weakness.verbs)
          for (const role of rolesOf(arena, weakness)) {
            const seen = await open(arena, weakness, verb, role)
            if (seen === undefined) continue
            arena.report({
              rule,
              object: weakness.relation.label,
              ...(weakness.policy === undefined ? {} : { detail: weakness.policy }),
              verbs: [verb],
              message: `A setting opens rows of other tenants in ${weakness.relation.label}.`,
              evidence: [seen],
              fix: narrowPolicySql(arena.facts, weakness.relation, weakness.policyObject),
            })
            break
          }
  },
}

function rolesOf(arena: Arena, weakness: PolicyWeakness): readonly ActingRole[] {
  return arena.facts.acting.filter((role) => !role.bypasses && weakness.roles.includes(role.role.name))
}

function isOwnUser(rule: string): boolean {
  return OWN_USER.some((id) => id === rule)
}

interface Trial {
  readonly said: Said
  readonly told: string
}

/** Settings and values to try for this weakness. The constants that the policy itself compares with come first. */
function trials(arena: Arena, weakness: PolicyWeakness): readonly Trial[] {
  const { subject = '', rule } = weakness
  if (isOwnUser(rule)) return ownUserTrials(arena, weakness)
  const [setting = '', ...path] = subject.split('->')
  if (setting === '') return []
  const b = arena.planting.tenants.b.id
  const names = new Set([setting, ...path])
  const named = literalsOf(arena.facts, weakness.policyObject).filter((text) => !names.has(text))
  return [...new Set([...named, ...USUAL, b])].map((value) => ({
    said: { use: { setting, path }, value },
    told: `${subject} set to ${value === b ? "tenant B's id" : `'${value}'`}`,
  }))
}

function ownUserTrials({ facts, row }: Arena, { subject = '', policyObject }: PolicyWeakness): readonly Trial[] {
  const lookup = facts.relations.find((relation) => relation.label === subject)
  const own = lookup === undefined ? undefined : row(lookup, 'a')
  const others = settingsRead(facts, policyObject).filter(({ setting }) => setting !== facts.tenancy.context.setting)
  return others.flatMap((use) =>
    Object.values(own?.values ?? {}).flatMap((value): readonly Trial[] =>
      value === null
        ? []
        : [{ said: { use, value }, told: `${use.setting} set to a value of its own row in ${subject}` }],
    ),
  )
}

async function open(arena: Arena, weakness: PolicyWeakness, verb: Verb, role: ActingRole): Promise<string | undefined> {
  const { relation, policyObject } = weakness
  return withOnlyPolicy(arena, relation, policyObject, verb, async () => {
    // Control: if the row is reached without the setting, this attack is not the cause.
    if (!isOwnUser(weakness.rule) && (await crosses(arena, relation, verb, role, arena.contexts.a))) return undefined
    for (const { said, told } of trials(arena, weakness))
      if (await crosses(arena, relation, verb, role, arena.contexts.a.saying([said])))
        return `as ${role.path.join(' → ')}, tenant A, ${told}: ${verb.toUpperCase()} reached the planted row of tenant B, and did not without it`
    return undefined
  })
}
