import { quoteIdentifier } from '../../catalog/names.ts'
import type { Attack } from '../attack/attack.ts'
import { becomeSql } from '../attack/identity.ts'
import { keyTable } from '../readings/seal-facts.ts'

/** Inserts a key for the probe if the table has none: that an empty table returns nothing would prove nothing. */
const SOME_KEY = `insert into partywall.seal_keys (key_id, inner_pad, outer_pad) select '00000001', pg_catalog.decode(pg_catalog.repeat('36', 64), 'hex'), pg_catalog.decode(pg_catalog.repeat('5c', 64), 'hex') where not exists (select from partywall.seal_keys)`

/** Reads the keys of the seal. An attacker who has a key can act as any tenant. */
export const readSealKeys: Attack = {
  name: 'read-seal-keys',
  title: 'reads the keys of the seal',
  needs: 'a table of seal keys',
  rules: ['seal-key-readable'],
  async run(arena) {
    const { facts, session } = arena
    if (keyTable(facts) === undefined) return
    for (const role of facts.acting.filter((acting) => !acting.bypasses)) {
      const read = await arena.as(role, arena.contexts.a, async () => {
        if (facts.catalog.reader.superuser) {
          await arena.judge()
          await session.run(`${SOME_KEY}; ${becomeSql(facts, role)}`)
        }
        return session.text('select key_id from partywall.seal_keys')
      })
      if (!read.ok || read.value.count === 0) continue
      arena.report({
        rule: 'seal-key-readable',
        object: 'partywall.seal_keys',
        message: 'The app reads the keys of the seal.',
        evidence: [`as ${role.path.join(' → ')}, tenant A: SELECT on partywall.seal_keys returned a key`],
        fix: `REVOKE ALL ON partywall.seal_keys FROM ${quoteIdentifier(role.role.name)};`,
      })
    }
  },
}
