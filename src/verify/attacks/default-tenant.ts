import { qualifiedName, quoteIdentifier, quoteLiteral } from '../../catalog/names.ts'
import type { Attack } from '../attack/attack.ts'
import { AS_PLANTER, becomeSql } from '../attack/identity.ts'
import { variantInsert } from '../attack/variant-row.ts'
import { draftsOf } from '../finding/drafts.ts'
import { tenantDefaultConstant } from '../rules/tenant-default-constant.ts'

/** Maximum number of tables that are tried, because each takes many round trips. */
const MOST_TABLES = 60

/** Inserts a row without a value for the tenant column, as A and without a context, and checks which tenant the row got. */
export const defaultTenant: Attack = {
  name: 'default-tenant',
  title: 'inserts rows that name no tenant',
  needs: 'a tenant column with a constant default (tried as a superuser only)',
  rules: ['tenant-default-constant'],
  async run(arena) {
    const { facts, session } = arena
    const root = facts.tenancy.root
    if (!facts.catalog.reader.superuser) return
    for (const draft of draftsOf(tenantDefaultConstant, facts).slice(0, MOST_TABLES)) {
      const table = [...facts.tenancy.tables.values()].find(({ relation }) => relation.label === draft.object)
      if (table?.kind !== 'tenant' || table.column.default === undefined) continue
      const { relation, column } = table
      const name = qualifiedName(relation)
      const tenant = quoteIdentifier(column.name)
      // Give tenant B the id that the default names. A row with the default value then belongs to B.
      const b = arena.planting.tenants.b.id
      const become =
        root === undefined
          ? ''
          : `set local session_replication_role = replica; update ${qualifiedName(root.relation)} set ${quoteIdentifier(root.key.name)} = (${column.default})::${root.key.type} where ${quoteIdentifier(root.key.name)}::text = ${quoteLiteral(b)}; set local session_replication_role = origin;`
      const count = `select count(*) as rows from ${name} where ${tenant} = (${column.default})`
      for (const role of facts.reach(relation, 'INSERT')) {
        const insert = variantInsert(arena, relation, 'a', role, new Map(), new Set([column]))
        if (insert === undefined) continue
        for (const context of [arena.contexts.a, ...arena.contexts.strangers.slice(0, 1)]) {
          const answer = await session.probe(async () => {
            await session.run(become === '' ? 'select 1' : become)
            const before = (await session.text(count)).rows[0]?.['rows']
            await session.run(`${becomeSql(arena.facts, role)};${context.sql(role)}`)
            await session.run(insert)
            await session.run(AS_PLANTER)
            const after = (await session.text(count)).rows[0]?.['rows']
            return Number(after) > Number(before)
          })
          if (!answer.ok || !answer.value) continue
          arena.report({
            ...draft,
            rule: 'tenant-default-constant',
            verbs: ['insert'],
            evidence: [
              `as ${role.path.join(' → ')}, ${context.name}: INSERT without ${column.name} stored a row of the tenant that the default names`,
            ],
          })
          break
        }
      }
    }
  },
}
