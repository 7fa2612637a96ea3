import type { Relation } from '../../catalog/model.ts'
import { qualifiedName, quoteIdentifier } from '../../catalog/names.ts'
import { same } from '../../tenancy/discovery/choose-context.ts'
import type { Facts } from '../../tenancy/facts.ts'
import { lookupsOf } from '../../tenancy/lookups.ts'
import type { Arena } from '../attack/arena.ts'
import type { Attack } from '../attack/attack.ts'
import { AS_PLANTER, becomeSql } from '../attack/identity.ts'
import { withOnlyPolicy } from '../attack/only-policy.ts'
import { rowFilter } from '../attack/row-filters.ts'
import { literal } from '../attack/variant-row.ts'
import { victimRead } from '../attack/victim-read.ts'
import { narrowPolicySql } from '../readings/policy-finding.ts'
import { type PolicyWeakness, weaknessesOf } from '../readings/weaknesses.ts'

const RULE = 'policy-user-not-tenant'
/** Maximum number of tables that are tried. Each takes many round trips, and a large schema has the same policy on all its tables. */
const MOST_TABLES = 60

/** Makes A's user a member of B as well, as the application may do, and reads B's rows while the user works for A. */
export const userOfTwo: Attack = {
  name: 'user-of-two',
  title: 'works for one tenant as a user who is also a member of another',
  needs: 'a policy that tests the user and not the tenant',
  rules: [RULE],
  async run(arena) {
    const { facts } = arena
    const lookups = lookupsOf(facts)
    const byLabel = new Map(facts.relations.map((relation) => [relation.label, relation]))
    for (const weakness of weaknessesOf(facts, RULE).slice(0, MOST_TABLES)) {
      const { relation, policyObject, policy } = weakness
      const tables = [...lookups(relation.label).flatMap((label) => byLabel.get(label) ?? []), relation]
      for (const table of tables) {
        const seen = await withOnlyPolicy(arena, relation, policyObject, 'select', () => mix(arena, weakness, table))
        if (seen === undefined) continue
        arena.report({
          rule: RULE,
          object: relation.label,
          ...(policy === undefined ? {} : { detail: policy }),
          verbs: ['select'],
          message: `A user of two tenants reads rows of one in ${relation.label} while working for the other.`,
          evidence: [seen],
          fix: narrowPolicySql(facts, relation, policyObject),
        })
        break
      }
    }
  },
}

/** Whether this setting names the tenant. Such a setting can't name another user while A works. */
function isContext({ tenancy }: Facts, setting: string, path: readonly string[]): boolean {
  return [tenancy.context, ...tenancy.context.alternatives].some((use) => same(use, { setting, path }))
}

/** @param lookup the table that says which tenant a user belongs to: a table of members, or the table with the rows itself */
async function mix(arena: Arena, weakness: PolicyWeakness, lookup: Relation): Promise<string | undefined> {
  const { facts, session, contexts } = arena
  const [setting = '', ...path] = (weakness.subject ?? '').split('->')
  const [own, other] = [arena.row(lookup, 'a'), arena.row(lookup, 'b')]
  const filter = other === undefined ? undefined : rowFilter(lookup, other, lookup.columns)
  if (!/^\w[\w.]*$/.test(setting) || isContext(facts, setting, path) || filter === undefined) return undefined
  const tenant = facts.tenantTable(lookup)?.column
  for (const column of lookup.columns) {
    const value = own?.values[column.name]
    if (column === tenant || typeof value !== 'string' || column.generated !== undefined) continue
    if (value === other?.values[column.name]) continue
    const join = `update ${qualifiedName(lookup)} set ${quoteIdentifier(column.name)} = ${literal(column, value)} where ${filter}`
    for (const role of facts.reach(weakness.relation, 'SELECT')) {
      const read = victimRead(arena, weakness.relation, role)
      if (read === undefined || !weakness.roles.includes(role.role.name)) continue
      const as = contexts.a.saying([{ use: { setting, path }, value }])
      const look = async () => {
        await session.run(`${becomeSql(arena.facts, role)};${as.sql(role)}`)
        return (await session.text(read)).count
      }
      const answer = await session.probe(async () => {
        // Control: if the user sees B's row before the membership in B, this attack is not the cause.
        if ((await look()) > 0) return false
        await session.run(`${AS_PLANTER};${facts.catalog.reader.superuser ? '' : contexts.b.sql(role)}${join}`)
        return (await look()) > 0
      })
      if (answer.ok && answer.value)
        return `as ${role.path.join(' → ')}, tenant A, ${setting} set to a user of A who is in B too (${lookup.label}.${column.name}): SELECT on ${weakness.relation.label} returned the planted row of tenant B`
    }
  }
  return undefined
}
