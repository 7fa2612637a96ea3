import type { StoredSetting } from '../../catalog/model.ts'
import { qualifiedName, quoteIdentifier, quoteLiteral } from '../../catalog/names.ts'
import type { Arena } from '../attack/arena.ts'
import type { Attack } from '../attack/attack.ts'
import { AS_PLANTER, becomeSql } from '../attack/identity.ts'
import { literal } from '../attack/variant-row.ts'
import { victimRead } from '../attack/victim-read.ts'
import { draftsOf } from '../finding/drafts.ts'
import { settingDefault, storedContexts } from '../rules/setting-default.ts'

/** Gives B the id that is stored as the setting's default (ALTER DATABASE or ALTER ROLE … SET), and reads without setting a tenant. */
export const storedSetting: Attack = {
  name: 'stored-setting',
  title: 'reads with the setting that is stored for the role or database, without setting a tenant',
  needs: 'a value of the tenant’s setting that is stored for a role or for the database',
  rules: ['setting-default'],
  passes: ['never-set', 'set'],
  async run(arena) {
    const drafts = draftsOf(settingDefault, arena.facts)
    // A value stored for a role applies only when that role logs in. This session belongs to the planting role, so the attack sets the
    // value itself.
    const ofPass = storedContexts(arena.facts).filter(
      ({ stored }) => (stored.role === 0) === (arena.pass === 'never-set'),
    )
    for (const { stored, object } of ofPass) {
      const draft = drafts.find((each) => each.object === object && each.detail === stored.name)
      const seen = draft === undefined ? undefined : await read(arena, stored)
      if (draft === undefined || seen === undefined) continue
      arena.report({
        rule: 'setting-default',
        object,
        detail: stored.name,
        message: draft.message,
        evidence: [seen],
        fix: draft.fix,
      })
    }
  },
}

async function read(arena: Arena, stored: StoredSetting): Promise<string | undefined> {
  const { facts, session } = arena
  if (!facts.catalog.reader.superuser) return undefined
  const { unset } = arena.contexts
  const use = { setting: stored.name, path: [] }
  const context = stored.role === 0 ? unset : unset.saying([{ use, value: stored.value }])
  for (const { kind, relation, column } of facts.tenancy.tables.values()) {
    if (kind !== 'tenant') continue
    for (const role of facts.reach(relation, 'SELECT')) {
      if (stored.role !== 0 && stored.role !== role.role.oid) continue
      const sql = victimRead(arena, relation, role)
      const b = arena.row(relation, 'b')?.values[column.name]
      if (sql === undefined || typeof b !== 'string') continue
      const name = quoteIdentifier(column.name)
      const rename = `update ${qualifiedName(relation)} set ${name} = ${literal(column, stored.value)} where ${name}::text = ${quoteLiteral(b)}`
      const renamed = sql.replaceAll(quoteLiteral(b), quoteLiteral(stored.value))
      const look = async () => {
        await session.run(`${becomeSql(arena.facts, role)};${context.sql(role)}`)
        return (await session.text(renamed)).count
      }
      const answer = await session.probe(async () => {
        // Control: if B's row is visible under its own id, the stored value is not the cause.
        await session.run(`${becomeSql(arena.facts, role)};${context.sql(role)}`)
        if ((await session.text(sql)).count > 0) return false
        await session.run(
          `${AS_PLANTER}; set local session_replication_role = replica; ${rename}; set local session_replication_role = origin`,
        )
        return (await look()) > 0
      })
      if (answer.ok && answer.value)
        return `as ${role.path.join(' → ')}, ${context.name}: SELECT on ${relation.label} returned the row of the tenant that is stored in ${stored.name}`
    }
  }
  return undefined
}
