import { qualifiedName, quoteIdentifier } from '../../catalog/names.ts'
import type { Attack } from '../attack/attack.ts'
import { type AttackContext, setSql, settingText } from '../attack/contexts.ts'
import { crosser } from '../attack/crosser.ts'
import { rowFilter } from '../attack/row-filters.ts'
import { keyTable, meansToBeSealed } from '../readings/seal-facts.ts'

/** For a sealed schema: reads the keys of the seal, and sets the plain setting to B while the seal is A's. */
export const forgeSetting: Attack = {
  name: 'forge-setting',
  title: 'sets another tenant while the seal is valid, and reads the seal’s key',
  needs: 'policies that are meant to be sealed, or a table of seal keys',
  rules: ['policy-unsealed', 'seal-key-readable'],
  async run(arena) {
    const { facts, session } = arena
    const keys = keyTable(facts)
    const roles = facts.acting.filter((role) => !role.bypasses)
    for (const role of keys === undefined ? [] : roles) {
      const read = await arena.as(role, arena.contexts.a, () => session.text('select key_id from partywall.seal_keys'))
      if (read.ok && read.value.count > 0)
        arena.report({
          rule: 'seal-key-readable',
          object: 'partywall.seal_keys',
          message: 'The app reads the keys of the seal.',
          evidence: [`as ${role.path.join(' → ')}: SELECT on partywall.seal_keys returned ${read.value.count} rows`],
          fix: `REVOKE ALL ON partywall.seal_keys FROM ${quoteIdentifier(role.role.name)};`,
        })
    }
    const { context } = facts.tenancy
    if (!meansToBeSealed(facts) || context.kind !== 'tenant') return
    const forged = setSql(context.setting, settingText(context, arena.planting.tenants.b.id))
    // Try with A's seal and without a seal: without one, a policy may fall back to the setting.
    const under = ['', setSql('app.tenant_seal', '')].map((unsealed) => ({
      ...arena.contexts.a,
      sql: (role: (typeof roles)[number]) => `${arena.contexts.a.sql(role)}${forged}${unsealed}`,
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
