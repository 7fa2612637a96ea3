import { qualifiedName, quoteIdentifier } from '../../catalog/names.ts'
import type { ActingRole } from '../../tenancy/facts.ts'
import type { Attack } from '../attack/attack.ts'
import { type AttackContext, setSql, settingText } from '../attack/contexts.ts'
import { crosser } from '../attack/crosser.ts'
import { rowFilter } from '../attack/row-filters.ts'
import { meansToBeSealed } from '../readings/seal-facts.ts'

/** For a schema that is meant to be sealed: sets the plain setting to B in A's context, and takes the seal away as well. */
export const forgeSetting: Attack = {
  name: 'forge-setting',
  title:
    'sets another tenant in the context of tenant A, with and without its seal, in a schema that is meant to be sealed',
  needs: 'policies that check the seal, in a schema whose setting holds the tenant itself',
  rules: ['policy-unsealed'],
  async run(arena) {
    const { facts, session } = arena
    const { context } = facts.tenancy
    if (!meansToBeSealed(facts) || context.kind !== 'tenant') return
    const forged = setSql(context.setting, settingText(context, arena.planting.tenants.b.id))
    // Try with A's seal and without a seal: without one, a policy may fall back to the setting.
    const under = ['', setSql('app.tenant_seal', '')].map((unsealed) => ({
      ...arena.contexts.a,
      sql: (role: ActingRole) => `${arena.contexts.a.sql(role)}${forged}${unsealed}`,
    }))
    for (const { kind, relation } of facts.tenancy.tables.values()) {
      const row = arena.row(relation, 'b')
      if (row === undefined || kind === 'child') continue
      for (const role of facts.reach(relation, 'SELECT')) {
        const readable = relation.columns.filter((column) =>
          facts.privileges.onColumn(role.role.oid, relation, column, 'SELECT'),
        )
        const filter = rowFilter(relation, row, readable)
        if (filter === undefined) continue
        const sql = `select 1 from ${qualifiedName(relation)} where ${filter}`
        // Control: if A sees the row without the forged setting, this attack is not the cause.
        const plain = await arena.as(role, arena.contexts.a, () => session.text(sql))
        let through: AttackContext | undefined
        for (const context of under) {
          const read = await arena.as(role, context, () => session.text(sql))
          if (read.ok && read.value.count > 0) through ??= context
        }
        if (through === undefined || (plain.ok && plain.value.count > 0)) continue
        const saw = 'In this run: 1 row, of tenant B. A table whose policies check the seal shows none.'
        arena.repeatable(crosser(role, through), { rule: 'policy-unsealed', relation, verb: 'select', sql, saw })
        arena.report({
          rule: 'policy-unsealed',
          object: relation.label,
          verbs: ['select'],
          message: `${relation.label} follows the plain setting and not the seal.`,
          evidence: [
            `as ${role.path.join(' → ')}, in tenant A's context: after set_config to tenant B its row was read`,
          ],
          fix: `-- Add tenant_seal_policy for ${quoteIdentifier(role.role.name)}.`,
        })
      }
    }
  },
}
