import { qualifiedName, quoteIdentifier } from '../../catalog/names.ts'
import type { ActingRole } from '../../tenancy/facts.ts'
import type { Arena } from '../attack/arena.ts'
import type { Attack } from '../attack/attack.ts'
import { crosser } from '../attack/crosser.ts'
import { becomeSql } from '../attack/identity.ts'
import { literal, matching, variantInsert } from '../attack/variant-row.ts'
import { compositeForeignKeySql, type TenantForeignKey, tenantForeignKeys } from '../readings/foreign-keys.ts'

/** Makes rows of A refer to rows of B by a foreign key, and checks whether a DELETE by B cascades to them. */
export const crossReferences: Attack = {
  name: 'cross-references',
  title: 'refers to another tenant’s row by a foreign key',
  needs:
    'in a table that a role in reach may write, a foreign key to another tenant table (the table of tenants does not count) that does not pair the tenant, or that may clear the tenant',
  rules: ['fk-crosses-tenants', 'fk-cascade-crosses', 'fk-match-simple-null', 'fk-set-null-clears-tenant'],
  async run(arena) {
    for (const key of tenantForeignKeys(arena.facts)) {
      if (key.pairsTenant) await clearTenant(arena, key)
      else await refer(arena, key)
    }
  },
}

async function refer(arena: Arena, key: TenantForeignKey): Promise<void> {
  const { facts, session } = arena
  const victim = arena.row(key.parent, 'b')
  const own = arena.row(key.relation, 'a')
  if (victim === undefined || own === undefined) return
  const values = key.parentColumns.map((column) => victim.values[column.name])
  const points = matching(key.columns, values)
  if (points === undefined) return
  const assign = key.columns.map(
    (column, at) => `${quoteIdentifier(column.name)} = ${literal(column, values[at] ?? null)}`,
  )
  const update = `update ${qualifiedName(key.relation)} set ${assign.join(', ')}`
  const overrides = new Map(key.columns.map((column, at) => [column, values[at] ?? null]))
  arena.tried('fk-crosses-tenants', key.relation.label)
  arena.tried('fk-cascade-crosses', key.relation.label)
  const roles = [...new Set([...facts.reach(key.relation, 'UPDATE'), ...facts.reach(key.relation, 'INSERT')])]
  for (const role of roles) {
    const statements = [
      ...(facts.privileges.onRelation(role.role.oid, key.relation, 'UPDATE') ? [update] : []),
      variantInsert(arena, key.relation, 'a', role, overrides),
    ]
    for (const statement of statements) {
      if (statement === undefined) continue
      const answer = await arena.as(role, arena.contexts.a, async () => {
        const { count } = await session.text(statement)
        await session.run('set constraints all immediate')
        return { count, cascaded: count > 0 && (await cascades(arena, key, role, points)) }
      })
      if (!answer.ok || answer.value.count === 0) continue
      const verb = statement.startsWith('update') ? 'UPDATE' : 'INSERT'
      const seen = `as ${role.path.join(' → ')}, tenant A: ${verb} stored a reference to tenant B's row in ${key.parent.label}`
      arena.repeatable(crosser(role, arena.contexts.a), {
        rule: 'fk-crosses-tenants',
        detail: key.constraint.name,
        relation: key.relation,
        sources: [key.parent],
        verb: verb === 'UPDATE' ? 'update' : 'insert',
        sql: `${statement}; set constraints all immediate`,
        judge: `select count(*) from ${qualifiedName(key.relation)} where ${points}`,
        saw: `In this run: ${verb} stored a reference to tenant B's row. The number grew: a row of tenant A refers to the row of tenant B. Without the leak it stays the same, or the statement ends in an error.`,
      })
      const shared = { object: key.relation.label, detail: key.constraint.name, fix: compositeForeignKeySql(key) }
      arena.report({
        ...shared,
        rule: 'fk-crosses-tenants',
        message: `A row of one tenant in ${key.relation.label} refers to a row of another in ${key.parent.label}.`,
        evidence: [seen],
      })
      if (answer.value.cascaded)
        arena.report({
          ...shared,
          rule: 'fk-cascade-crosses',
          message: `A delete by one tenant in ${key.parent.label} deletes or changes rows of another in ${key.relation.label}.`,
          evidence: [seen, `tenant B deleted its row in ${key.parent.label}, and tenant A's row was gone or changed`],
        })
      return
    }
  }
}

/** Inside the probe, B deletes its parent row. True when A's row no longer refers to it. */
async function cascades(arena: Arena, key: TenantForeignKey, role: ActingRole, points: string): Promise<boolean> {
  const { facts, session } = arena
  const { onDelete } = key.references
  if (onDelete === 'no-action' || onDelete === 'restrict' || key.table.column === undefined) return false
  const deleter = facts.reach(key.parent, 'DELETE')[0]
  const victim = arena.row(key.parent, 'b')
  if (deleter === undefined || victim === undefined) return false
  const tenant = `${quoteIdentifier(key.table.column.name)}::text = '${arena.planting.tenants.a.id}'`
  const pointing = async () => {
    await arena.judge()
    return (await session.text(`select 1 from ${qualifiedName(key.relation)} where ${points} and ${tenant}`)).count
  }
  const before = await pointing()
  const gone = matching(
    key.parentColumns,
    key.parentColumns.map((column) => victim.values[column.name]),
  )
  const deleted = await session.probe(async () => {
    await session.run(`${becomeSql(arena.facts, deleter)};${arena.contexts.b.sql(deleter)}select 1`)
    await session.run(`delete from ${qualifiedName(key.parent)} where ${gone}`)
    return await pointing()
  })
  await session.run(`${becomeSql(arena.facts, role)}`)
  return deleted.ok && deleted.value < before
}

/** Composite foreign keys: looks for rows that lose their tenant by an UPDATE to NULL, or by a DELETE of the parent. */
async function clearTenant(arena: Arena, key: TenantForeignKey): Promise<void> {
  const { facts, session } = arena
  const tenant = key.table.column
  if (tenant === undefined || tenant.notNull) return
  const table = qualifiedName(key.relation)
  const name = quoteIdentifier(tenant.name)
  const shared = {
    object: key.relation.label,
    detail: key.constraint.name,
    fix: `ALTER TABLE ${table} ALTER COLUMN ${name} SET NOT NULL;`,
  }
  const lost = async () => {
    await arena.judge()
    return (await session.text(`select 1 from ${table} where ${name} is null`)).count
  }
  for (const role of facts.reach(key.relation, 'UPDATE')) {
    const answer = await arena.as(role, arena.contexts.a, async () => {
      await session.run(`update ${table} set ${name} = null`)
      return await lost()
    })
    if (answer.ok && answer.value > 0)
      arena.report({
        ...shared,
        rule: 'fk-match-simple-null',
        message: `A row of ${key.relation.label} without a tenant passes ${key.constraint.name}.`,
        evidence: [
          `as ${role.path.join(' → ')}, tenant A: UPDATE set ${tenant.name} to NULL, and the foreign key checked nothing`,
        ],
      })
  }
  if (key.references.onDelete !== 'set-null' || key.references.setColumns.length > 0) return
  const parent = arena.row(key.parent, 'a')
  const gone = matching(
    key.parentColumns,
    key.parentColumns.map((column) => parent?.values[column.name]),
  )
  for (const role of facts.reach(key.parent, 'DELETE')) {
    if (gone === undefined) return
    const answer = await arena.as(role, arena.contexts.a, async () => {
      await session.run(`delete from ${qualifiedName(key.parent)} where ${gone}`)
      return await lost()
    })
    if (answer.ok && answer.value > 0)
      arena.report({
        ...shared,
        rule: 'fk-set-null-clears-tenant',
        message: `Deleting a row of ${key.parent.label} clears the tenant of rows of ${key.relation.label}.`,
        evidence: [
          `as ${role.path.join(' → ')}, tenant A: after DELETE on ${key.parent.label} a row of ${key.relation.label} has no tenant`,
        ],
      })
  }
}
